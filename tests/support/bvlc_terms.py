"""SegNet's two types put in terms that BVLC's Caffe knows, so that it can be asked about SegNet.

BN at inference is a Scale with a bias. Upsample becomes a Python layer, which the image's Caffe runs (upsample.py).
"""

from __future__ import annotations

import re
from collections import Counter


def in_bvlc_terms(prototxt: str) -> str:
    """The text of a prototxt without types that only SegNet's fork has, layer for layer."""
    text = re.sub(r"bn_param \{ bn_mode: INFERENCE .*\}$", "scale_param { bias_term: true }", prototxt, flags=re.M)
    text = text.replace('type: "BN"', 'type: "Scale"').replace('type: "Upsample"', 'type: "Python"')
    python = r'python_param { module: "upsample" layer: "Upsample" param_str: "\1" }'
    return re.sub(r"upsample_param \{ (.*) \}$", python, text, flags=re.M)


def unpooled_size(parameters: str, height: int, width: int) -> tuple[int, int]:
    """What an Upsample layer makes of a height and width; `UpsampleLayer::Reshape` of SegNet's fork."""
    said = dict(re.findall(r"(\w+): (\w+)", parameters))
    if "upsample_h" in said:
        return int(said["upsample_h"]), int(said["upsample_w"])
    scale = int(said["scale"])
    return height * scale - (said.get("pad_out_h") == "true"), width * scale - (said.get("pad_out_w") == "true")


def count_types(prototxt: str) -> Counter[str]:
    """How many layers of each type a prototxt has, read as plain text."""
    return Counter(re.findall(r'^  type: "(\w+)"$', prototxt, flags=re.M))
