"""ArgMax."""

from __future__ import annotations

import numpy as np
from support.table import Entry, plain

KIND = "ArgMax"


def ties(rng: np.random.Generator, shape) -> np.ndarray:
    """Few different numbers, so that most of them are equal to another."""
    return rng.integers(0, 3, size=shape) - 1.0


def _entry(id: str, shape, parameters: str, **more) -> Entry:
    return plain(KIND, id, shape, f"argmax_param {{ {parameters} }}", **more)


ENTRIES = (
    _entry("channels", (2, 5, 3, 4), "axis: 1"),
    _entry("rows, from behind", (2, 3, 5, 4), "axis: -2"),
    _entry("columns, the three largest", (1, 3, 4, 6), "axis: 3 top_k: 3"),
    _entry("channels, the numbers", (2, 5, 3, 4), "axis: 1 out_max_val: true"),
    _entry("channels, the two largest numbers", (1, 5, 3, 4), "axis: 1 top_k: 2 out_max_val: true"),
    _entry("the batch", (4, 3, 2, 2), "axis: 0 top_k: 2"),
    _entry("ties along channels", (2, 6, 3, 4), "axis: 1", draws=(ties,)),
    _entry("ties along channels, the four largest", (1, 7, 3, 2), "axis: 1 top_k: 4", draws=(ties,)),
    _entry("everything", (2, 3, 4, 5), ""),
    _entry("everything, the four largest", (2, 3, 4, 5), "top_k: 4"),
    _entry("everything, and the numbers", (2, 3, 4, 5), "out_max_val: true"),
    _entry("everything, the three largest and the numbers", (2, 3, 2, 5), "top_k: 3 out_max_val: true"),
    _entry("ties in everything", (2, 3, 2, 4), "top_k: 5 out_max_val: true", draws=(ties,)),
    _entry("a vector", (3, 7), ""),
    _entry("a vector, the two largest and the numbers", (3, 7), "top_k: 2 out_max_val: true"),
    _entry("a vector along its axis", (3, 7), "axis: 1 top_k: 7"),
    _entry("a sequence", (2, 3, 4), "top_k: 2"),
    _entry("a sequence along its last axis", (2, 3, 4), "axis: 2"),
    _entry("a volume", (2, 2, 3, 2, 3), "top_k: 2 out_max_val: true"),
)


def tops_of(entry: Entry, blobs, bottoms):
    """Pairs of number and index, sorted as Python sorts pairs."""
    (x,) = bottoms
    spec = entry.net["layer"].parameters.argmax_param
    count = int(spec.top_k)
    if not spec.HasField("axis"):
        top = np.zeros((len(x), 2 if spec.out_max_val else 1, count, *[1] * (x.ndim - 3)))
        flat = top.reshape(len(x), -1, count)
        for image in range(len(x)):
            for place, (number, index) in enumerate(_largest(x[image].reshape(-1), count)):
                flat[image, 0, place] = index
                if spec.out_max_val:
                    flat[image, 1, place] = number
        return [top]
    axis = spec.axis % x.ndim
    top = np.zeros([count if at == axis else size for at, size in enumerate(x.shape)])
    for index in np.ndindex(*[1 if at == axis else size for at, size in enumerate(x.shape)]):
        line = tuple(slice(None) if at == axis else one for at, one in enumerate(index))
        pairs = _largest(x[line], count)
        top[line] = [number if spec.out_max_val else place for number, place in pairs]
    return [top]


def _largest(numbers, count: int) -> list[tuple[float, int]]:
    return sorted(((float(number), place) for place, number in enumerate(numbers)), reverse=True)[:count]
