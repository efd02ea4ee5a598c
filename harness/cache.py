"""What is kept between runs: `<root>/<kind>/<name>`, each entry a file or a folder that is whole.

An entry appears in one move (`publish`), under the lock of its own name (`locked("recordings/…")`).
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import io
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import UsageError

_LOCKS = "locks"
_DIGESTS = "digests"
_PARTIAL = ".partial"
_WORTH_REMEMBERING = 4 << 20  # bytes; a smaller file is hashed faster than its digest is looked up
_SETTLED_NS = 2_000_000_000  # a younger file may change again within the file system's resolution of time


@dataclass(frozen=True)
class CacheEntry:
    """One thing that is kept."""

    kind: str
    name: str
    path: Path
    bytes: int
    modified: float  # seconds since the epoch


def root() -> Path:
    """The cache's folder: $HARNESS_CACHE, else $XDG_CACHE_HOME/harness, else ~/.cache/harness."""
    if own := os.environ.get("HARNESS_CACHE"):
        return Path(own).expanduser().absolute()
    shared = os.environ.get("XDG_CACHE_HOME")
    base = Path(shared) if shared and Path(shared).is_absolute() else Path("~/.cache").expanduser()
    return base / "harness"


def folder(kind: str) -> Path:
    """The folder of one kind of entries; it is made if need be.

    Raises:
        UsageError: the cache cannot be written.
    """
    path = root() / kind
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the cache cannot be written: {error.strerror}",
            file=path,
            fix="set HARNESS_CACHE to a folder that can be written",
        ) from error
    return path


def file_sha256(path: Path) -> str:
    """The digest of a file's bytes. Large files' digests are remembered by path, size, inode and times.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        with path.open("rb", buffering=0) as stream:
            return open_sha256(stream, path)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", file=path, fix="check the path and its mode") from error


def open_sha256(stream: io.FileIO, path: Path) -> str:
    """As `file_sha256`, of the file that is open, whatever has come to lie at its path since. Raises OSError."""
    before = os.fstat(stream.fileno())
    if before.st_size < _WORTH_REMEMBERING:
        return _hash(stream)
    memo = root() / _DIGESTS / f"{hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]}.json"
    state = [before.st_size, before.st_mtime_ns, before.st_ctime_ns, before.st_ino]
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(memo.read_text("utf-8"))
        if kept["state"] == state and isinstance(kept["sha256"], str):
            return str(kept["sha256"])
    digest = _hash(stream)
    if time.time_ns() - max(before.st_mtime_ns, before.st_ctime_ns) > _SETTLED_NS:
        with contextlib.suppress(OSError, UsageError):  # a cache that cannot be written only costs time
            folder(_DIGESTS)
            write_whole(memo, json.dumps({"path": str(path), "state": state, "sha256": digest}).encode())
    return digest


def _hash(stream: io.FileIO) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(4 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that it is there with all of its content or as it was before."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=_PARTIAL, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def partial_folder(final: Path) -> Path:
    """A new folder beside `final`, to be filled and then published there.

    Raises:
        UsageError: the place cannot be written.
    """
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(prefix=f".{final.name[:80]}.", suffix=_PARTIAL, dir=final.parent))
        path.chmod(0o777 & ~_umask())
    except OSError as error:
        raise UsageError(
            f"cannot be written: {error.strerror}", file=final.parent, fix="choose another folder"
        ) from error
    return path


def sweep(final: Path) -> None:
    """Removes what runs that were killed left half-written of an entry; to be called with its lock held."""
    for path in final.parent.glob(f".{glob.escape(final.name[:80])}.*{_PARTIAL}"):
        _remove(path)


def publish(partial: Path, final: Path) -> None:
    """Moves a finished folder (or file) to its place; what was there before goes.

    Both lie on one file system. A reader sees the old one or the new one, and for a moment none.
    """
    old: Path | None = None
    if final.is_dir() and not final.is_symlink() and partial.is_dir():
        old = Path(tempfile.mkdtemp(prefix=f".{final.name[:80]}.", suffix=_PARTIAL, dir=final.parent))
        os.replace(final, old)
    try:
        os.replace(partial, final)
    except OSError:
        if old is not None:
            os.replace(old, final)
        raise
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def locked(name: str, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Holds the lock of a name against other processes; `waiting` is told once if someone else has it.

    Raises:
        UsageError: the cache cannot be written.
    """
    lock = _lock(name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if waiting is not None:
            waiting(f"waiting for another run that has {name}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _lock(name: str) -> FileLock:
    readable = "".join(c if c.isascii() and c.isalnum() else "-" for c in name)[:60]
    return FileLock(folder(_LOCKS) / f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock")


def entries() -> tuple[CacheEntry, ...]:
    """Everything that is kept, by kind and name; what is being written is not."""
    found = []
    for kind, path in _kept():
        if not _is_partial(path):
            with contextlib.suppress(FileNotFoundError):  # another run may clear at the same time
                found.append(CacheEntry(kind, path.name, path, _size(path), path.stat().st_mtime))
    return tuple(found)


def clear() -> int:
    """Removes everything but what another run holds the lock of; returns the bytes that this frees."""
    freed = 0
    for kind, path in _kept():
        lock = _lock(f"{kind}/{path.name}")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        try:
            if _is_partial(path) and time.time() - path.stat().st_mtime < 3600:
                continue  # a run may be writing it
            size = _size(path)
            _remove(path)
            freed += size
        except FileNotFoundError:
            continue
        finally:
            lock.release()
    shutil.rmtree(root() / _DIGESTS, ignore_errors=True)
    return freed


def _kept() -> Iterator[tuple[str, Path]]:
    top = root()
    if not top.is_dir():
        return
    for kind in sorted(top.iterdir()):
        if kind.is_dir() and kind.name not in (_LOCKS, _DIGESTS):
            for path in sorted(kind.iterdir()):
                yield kind.name, path


def _is_partial(path: Path) -> bool:
    """True for what is being written, or was when its writer was killed; every writer hides it until it is whole."""
    return path.name.startswith(".")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _size(path: Path) -> int:
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
