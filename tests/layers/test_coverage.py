"""The table of layers has every type of BVLC Caffe 1.0 that stands in a deploy net, and tries every parameter."""

from __future__ import annotations

from collections import defaultdict

import pytest
from support.table import ALL

from harness.layers import layer_types

BVLC = frozenset(
    (
        "AbsVal", "ArgMax", "BNLL", "BatchNorm", "BatchReindex", "Bias", "Clip", "Concat", "Convolution", "Crop",
        "Deconvolution", "Dropout", "DummyData", "ELU", "Eltwise", "Embed", "Exp", "Filter", "Flatten", "Im2col",
        "InnerProduct", "Input", "LRN", "LSTM", "Log", "MVN", "PReLU", "Parameter", "Pooling", "Power", "RNN",
        "ReLU", "Reduction", "Reshape", "SPP", "Scale", "Sigmoid", "Silence", "Slice", "Softmax", "Split", "Swish",
        "TanH", "Threshold", "Tile",
    )
)  # fmt: skip
"""What `caffe.layer_type_list()` of the image says, without data layers, losses, Accuracy, HDF5Output, Python and LSTMUnit
(which only stands inside of an LSTM)."""

IDLE = frozenset({"Dropout", "Input", "Silence", "Split"})
"""Types that compute nothing at inference: tests/layers/test_identities.py."""

NOTHING_AT_INFERENCE = frozenset(
    {"engine", "force_nd_im2col", "stable_prod_grad", "moving_average_fraction", "debug_info"}
)
ELSEWHERE = {
    ("Convolution", "axis"): "refused unless it is 1: test_window.py",
    ("Deconvolution", "axis"): "refused unless it is 1: test_window.py",
    ("ConvolutionDepthwise", "axis"): "as of a Convolution",
    ("DepthwiseConvolution", "axis"): "as of a Convolution",
    ("Im2col", "axis"): "as of a Convolution",
    ("Pooling", "pad"): "read as pad_h and pad_w: test_window.py",
    ("Pooling", "kernel_size"): "read as kernel_h and kernel_w: test_window.py",
    ("ConvolutionDepthwise", "kernel_size"): "read as a Convolution's",
    ("ConvolutionDepthwise", "pad"): "read as a Convolution's",
    ("ConvolutionDepthwise", "stride"): "read as a Convolution's",
    ("DepthwiseConvolution", "kernel_size"): "read as a Convolution's",
    ("DepthwiseConvolution", "pad"): "read as a Convolution's",
    ("DepthwiseConvolution", "stride"): "read as a Convolution's",
}


def test_every_type_is_described() -> None:
    assert set(layer_types()) >= BVLC


def test_every_type_that_computes_stands_in_the_table() -> None:
    assert {entry.kind for entry in ALL} == set(layer_types()) - IDLE


def parameters() -> dict[str, tuple[set[str], set[str]]]:
    """By type: the parameters that the schema has, and those that an entry sets; fillers left out."""
    found: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for entry in ALL:
        for block, value in entry.net["layer"].parameters.ListFields():
            if block.message_type is not None and block.name.endswith("_param"):
                known, used = found[entry.kind]
                known |= {one.name for one in block.message_type.fields if not one.name.endswith("filler")}
                used |= {one.name for one, _ in value.ListFields()}
    return dict(found)


@pytest.mark.parametrize(("kind", "known", "used"), [(kind, *sets) for kind, sets in sorted(parameters().items())])
def test_every_parameter_is_tried(kind: str, known: set[str], used: set[str]) -> None:
    elsewhere = {name for type_, name in ELSEWHERE if type_ == kind}
    assert known - used - NOTHING_AT_INFERENCE - elsewhere == set()
    assert not elsewhere & used - {"kernel_size", "pad", "stride"}, "what is tried here needs no excuse"
