"""Choices that a layer of the table is drawn by: from a seed, or by hypothesis, which makes them simpler where a test fails.

What is simplest comes first: the low end of a range, the first of several, False.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Choice(Protocol):
    """Chooses."""

    def whole(self, low: int, high: int) -> int:
        """A whole number; both ends are among them."""

    def one_of(self, options: Sequence[T]) -> T:
        """One of several."""

    def flag(self) -> bool:
        """Yes or no."""


class Rolled:
    """By a seed: the same on every machine, since nothing but a digest is asked."""

    def __init__(self, seed: str) -> None:
        self.seed, self.count = seed, 0

    def whole(self, low: int, high: int) -> int:
        self.count += 1
        digest = hashlib.sha256(f"{self.seed}/{self.count}".encode()).digest()
        return low + int.from_bytes(digest[:8], "little") % (high - low + 1)

    def one_of(self, options: Sequence[T]) -> T:
        return options[self.whole(0, len(options) - 1)]

    def flag(self) -> bool:
        return bool(self.whole(0, 1))


class Searched:
    """By hypothesis: `@given(strategies.data())`."""

    def __init__(self, data) -> None:
        from hypothesis import strategies

        self.data, self.strategies = data, strategies

    def whole(self, low: int, high: int) -> int:
        return self.data.draw(self.strategies.integers(low, high))

    def one_of(self, options: Sequence[T]) -> T:
        return self.data.draw(self.strategies.sampled_from(list(options)))

    def flag(self) -> bool:
        return self.data.draw(self.strategies.booleans())


def sizes(choose: Choice, count: int, most: int = 5) -> tuple[int, ...]:
    """So many sizes of axes, unequal ones more often than not."""
    return tuple(choose.whole(1, most) for _ in range(count))


def two(choose: Choice, low: int, high: int) -> tuple[int, int]:
    """Height and width."""
    return choose.whole(low, high), choose.whole(low, high)


def signed(choose: Choice, axis: int, rank: int) -> int:
    """The axis, counted from the front or from behind."""
    return axis - rank if choose.flag() else axis
