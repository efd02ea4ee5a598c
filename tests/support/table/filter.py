"""Filter."""

from __future__ import annotations

import numpy as np
from support.choice import Choice, sizes
from support.table import Entry, normal, plain
from support.table.batch_reindex import numbers

ENTRIES = (
    plain("Filter", "some", ((4, 2, 3, 5), (4,)), draws=(normal, numbers(1, 0, 0, 1))),
    plain("Filter", "all", ((3, 2, 3, 5), (3,)), draws=(normal, numbers(1, 1, 1))),
    plain("Filter", "one", ((3, 2, 3, 5), (3, 1, 1, 1)), draws=(normal, numbers(0, 0, 1))),
    plain("Filter", "none", ((3, 2, 3, 5), (3,)), draws=(normal, numbers(0, 0, 0))),
    plain("Filter", "none of the vectors", ((2, 4), (2, 1)), draws=(normal, numbers(0, 0))),
    plain("Filter", "no flags", ((4, 3, 2), (4, 1)), draws=(normal, numbers(-2, 0, 0.25, -0.0))),
    plain(
        "Filter",
        "several blobs",
        ((3, 2, 4, 5), (3, 6), (3,), (3,)),
        tops=3,
        draws=(normal, normal, normal, numbers(0, 1, 1)),
    ),
)


def tops_of(entry: Entry, blobs, bottoms):
    """Item after item."""
    *xs, selector = bottoms
    chosen = [item for item, number in enumerate(selector.reshape(-1)) if float(number) != 0.0]
    return [np.array([x[item] for item in chosen], np.float64).reshape(-1, *x.shape[1:]) for x in xs]


def draw(choose: Choice) -> Entry:
    """Up to three blobs of any rank; some items, all of them or none."""
    items, blobs = choose.whole(1, 5), choose.whole(1, 3)
    shapes = [(items, *sizes(choose, choose.whole(0, 3))) for _ in range(blobs)]
    selector = (items, *(1,) * choose.whole(0, 3))
    chosen = numbers(*(choose.one_of([1.0, 0.0, -0.5]) for _ in range(items)))
    return plain("Filter", "drawn", (*shapes, selector), tops=blobs, draws=(*(normal,) * blobs, chosen))
