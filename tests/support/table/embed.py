"""Embed."""

from __future__ import annotations

import numpy as np
from support.choice import Choice, sizes
from support.table import Entry, plain


def below(limit: int):
    """Whole numbers from 0 to the limit, the limit left out."""
    return lambda rng, shape: rng.integers(limit, size=shape).astype(float)


def ends(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """The first row and the last, by turns."""
    return np.resize([0.0, 8.0], shape)


SIZE = "embed_param { input_dim: 9 num_output: 4 }"
BARE = "embed_param { input_dim: 9 num_output: 4 bias_term: false }"

ENTRIES = (
    plain("Embed", "words of a sentence", (5, 3), SIZE, draws=(below(9),)),
    plain("Embed", "without a bias", (5, 3), BARE, draws=(below(9),)),
    plain("Embed", "of one axis", (6,), SIZE, draws=(below(9),)),
    plain("Embed", "of three axes", (2, 3, 4), SIZE, draws=(below(9),)),
    plain("Embed", "of a picture", (2, 2, 3, 4), SIZE, draws=(below(9),)),
    plain("Embed", "first row and last", (2, 4), SIZE, draws=(ends,)),
    plain("Embed", "two rows of one number", (2, 3), "embed_param { input_dim: 2 num_output: 1 }", draws=(below(2),)),
    plain("Embed", "many", (4, 5), "embed_param { input_dim: 1000 num_output: 50 }", draws=(below(1000),)),
)


def tops_of(entry: Entry, blobs, bottoms):
    """Row after row; Caffe adds in float32, once."""
    (numbers,) = bottoms
    table, *bias = blobs
    top = np.zeros((*numbers.shape, table.shape[1]))
    for index in np.ndindex(numbers.shape):
        for o in range(table.shape[1]):
            value = np.float32(table[int(numbers[index]), o])
            top[(*index, o)] = value + np.float32(bias[0][o]) if bias else value
    return [top]


def draw(choose: Choice) -> Entry:
    """Of any rank, with a bias or without."""
    rows = choose.whole(2, 20)
    given = f"input_dim: {rows} num_output: {choose.whole(1, 6)} bias_term: {str(choose.flag()).lower()}"
    shape = sizes(choose, choose.whole(1, 4))
    return plain("Embed", "drawn", shape, f"embed_param {{ {given} }}", draws=(below(rows),))
