"""Layer types that are stated whole: one NumPy expression for all of a top, in place of one site at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.data import Layer, Shape
from harness.layers.base import (
    TINY,
    Blobs,
    Exact,
    Float32,
    Index,
    LayerType,
    U,
    Unit,
    at_sites,
    gamma,
    rows_of,
)


class Whole(LayerType):
    """A type gives its tops by `compute` and says by `scale` what their rounding errors are relative to.

    The unit is u · scale and the bound γ(terms) · scale, so the two stages of the verdict rest on one statement. A type
    that rounds nothing leaves `scale` as it is. All arrays are in Caffe's layout.
    """

    local = False

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """Every top, in the precision of the bottoms; called with float64 for the definition."""
        raise NotImplementedError

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray] | None:
        """What an error is relative to, one array for each top, such as Σ|w·x|; None if nothing is rounded.

        Called with float32 bottoms for the unit, when `tops` are the reference's own, and with float64 for the definition.
        `tops` has None in place of a top that is not asked for.
        """
        return None

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        """How many roundings of one unit an element can suffer; decides the guaranteed bound."""
        return 0

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """u · scale, element by element."""
        tops = [top] * max(1, len(layer.tops))
        with np.errstate(all="ignore"):
            scale = self.scale(layer, blobs, bottoms, tops)
        if scale is None:
            return Unit()
        with np.errstate(over="ignore"):
            dense = rows_of(np.broadcast_to(scale[position], top.shape)).astype(np.float32)
        return Unit(dense=np.float32(U) * _without_nan(dense), floor=self.floor(layer, bottoms))

    def define(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], sites: Index, position: int = 0
    ) -> Exact:
        """Some rows of the whole."""
        wide = [bottom.astype(np.float64) for bottom in bottoms]
        with np.errstate(all="ignore"):
            tops = self.compute(layer, blobs, wide)
            scale = self.scale(layer, blobs, wide, tops)
        value = at_sites(tops[position], sites)
        if scale is None:
            return Exact(value, np.zeros_like(value))
        return Exact(
            value,
            _without_nan(at_sites(np.broadcast_to(scale[position], tops[position].shape), sites)),
            terms=self.terms(layer, [bottom.shape for bottom in bottoms]),
            floor=self.floor(layer, bottoms),
        )

    def floor(self, layer: Layer, bottoms: Sequence[np.ndarray]) -> float:
        """What flushed denormal numbers can make of a top, whatever its scale."""
        return 4 * TINY


class Elementwise(Whole):
    """A function of one number, which Keras may fuse into the layer before as its `activation`."""

    def function(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        """Caffe's function."""
        raise NotImplementedError

    def slope(self, layer: Layer, y: np.ndarray) -> np.ndarray | float:
        """|f′| where f gives y: by it the unit of what comes before is passed on; 1.0 where no number moves farther."""
        return 1.0

    def own(self, layer: Layer, y: np.ndarray) -> np.ndarray | None:
        """What the function's own rounding errors are relative to where it gives y; None if it rounds nothing."""
        return None

    def own_terms(self, layer: Layer) -> int:
        """How many roundings of one unit the function's own arithmetic is worth."""
        return 0

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return (self.function(layer, bottoms[0]),)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray] | None:
        own = self.own(layer, tops[0])
        return None if own is None else (own,)

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        return self.own_terms(layer)

    def carried(self, layer: Layer, before: np.ndarray, value: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """How far the function moves at most where `before`, whose value it is, moves by `reach`.

        Taken at the ends, which is where a function that only rises or only falls moves farthest: its slope at one point
        says nothing of an error that is no longer small.
        """
        above = np.abs(self.function(layer, before + reach) - value)
        farthest: np.ndarray = np.fmax(above, np.abs(self.function(layer, before - reach) - value))
        return farthest

    def follow(self, layer: Layer, blobs: Blobs, exact: Exact) -> Exact:
        share = gamma(exact.terms)
        with np.errstate(all="ignore"):
            value = self.function(layer, exact.value)
            own = self.own(layer, value)
            scale = np.zeros_like(value) if own is None else 1.0 * own
            if share:
                scale += self.carried(layer, exact.value, value, share * exact.scale) / share
        return replace(exact, value=value, scale=_without_nan(scale), terms=exact.terms + self.own_terms(layer))

    def follow_unit(self, layer: Layer, blobs: Blobs, unit: Unit, top: Float32) -> Unit:
        y = rows_of(top)
        with np.errstate(all="ignore"):
            own, slope = self.own(layer, y), self.slope(layer, y)
            if own is None and isinstance(slope, float) and slope == 1.0:
                return unit
            dense = unit.rows(0, len(y)) * slope + (0.0 if own is None else np.float32(U) * own)
        return Unit(dense=_without_nan(np.broadcast_to(dense, y.shape).astype(np.float32)), floor=unit.floor)


def _without_nan(scale: np.ndarray) -> np.ndarray:
    """Zero in place of what is no number: where 0 · ∞ stands for an error, the value is exact or no number itself."""
    np.copyto(scale, 0.0, where=np.isnan(scale))
    return scale
