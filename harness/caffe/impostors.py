"""Files that stand where a net should: what they are, told from their first bytes."""

from __future__ import annotations

import re
from typing import NamedTuple


class Impostor(NamedTuple):
    """What a file is in place of a net, and how to get the net."""

    is_: str
    fix: str


_SIGNATURES = (
    (
        rb"version https://git-lfs\.github\.com/spec/",
        Impostor("is a Git LFS pointer, not the file itself", "fetch the file it points to: git lfs pull"),
    ),
    (
        rb"/?[^\n]{0,200}annex/objects/",
        Impostor("is a git-annex pointer, not the file itself", "fetch the file it points to: git annex get"),
    ),
    (
        rb"(?i)\s*(<!--.{0,500}-->\s*)?<(!doctype html|html|head)\b",
        Impostor(
            "is an HTML page, not the file itself",
            "open it in a browser to see what the link led to (a login, an error), and download the file itself",
        ),
    ),
    (
        rb"\x89HDF\r\n\x1a\n",
        Impostor(
            "is an HDF5 file; a binary caffemodel is needed",
            "load it in Caffe and save it with net.save('weights.caffemodel')",
        ),
    ),
    (rb"PK\x03\x04|\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf", Impostor("is a compressed archive", "unpack it first")),
)


def recognise(head: bytes) -> Impostor | None:
    """What a file that begins with `head` is, if it is something that is often found in a net's place."""
    for pattern, impostor in _SIGNATURES:
        if re.match(pattern, head, re.DOTALL):
            return impostor
    return None
