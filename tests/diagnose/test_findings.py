"""How a layer's weights relate to Caffe's, in a word and without anything run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support import nets
from support.diagnoses import clues

from harness.data import KerasNode
from harness.diagnose.clues import Clues
from harness.diagnose.findings import in_a_word

NET = nets.single("Convolution", (1, 4, 6, 6), "convolution_param { num_output: 4 kernel_size: 3 }")
BLOBS = nets.random_blobs(NET)
KERNEL, BIAS = BLOBS["layer"][0].transpose(2, 3, 1, 0), BLOBS["layer"][1]


def known(class_name: str = "Conv2D", **variables: np.ndarray) -> Clues:
    node = KerasNode("layer", class_name, {}, (0,), (1,), ((None, 4, 4, 4),))
    return replace(clues(NET, node, blobs=BLOBS), variables=lambda name: variables)


@pytest.mark.parametrize(
    ("kernel", "bias", "word"),
    [
        (KERNEL, BIAS, "equal"),
        (KERNEL.swapaxes(0, 1), BIAS, "rows and columns"),
        (KERNEL[::-1, ::-1], 0 * BIAS, "flipped, no bias"),
        (KERNEL.swapaxes(2, 3), BIAS, "in and out"),
        (3 * KERNEL, BIAS, "scaled"),
        (0 * KERNEL, 0 * BIAS, "initial"),
        (KERNEL + 0.1, BIAS, "other numbers"),
        (KERNEL, BIAS[::-1], "bias permuted"),
    ],
)
def test_in_a_word(kernel: np.ndarray, bias: np.ndarray, word: str) -> None:
    assert in_a_word(known(kernel=kernel, bias=bias)) == word


def test_what_cannot_be_read_has_no_word() -> None:
    assert in_a_word(known("Mine", weight=KERNEL)) is None
    assert in_a_word(known(kernel=KERNEL[:2], bias=BIAS)) is None
