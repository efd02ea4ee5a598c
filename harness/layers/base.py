"""What every layer type tells the harness, and the small nouns it tells it with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness.data import KerasNode, Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layout import Held, caffe_order

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Blobs = tuple[Float32, ...]
Index = npt.NDArray[np.int64]

U = 2.0**-24
"""Unit roundoff of float32."""

TINY = 2.0**-126
"""Smallest normal float32. What is below may be flushed to zero by one side and kept by the other."""


def gamma(terms: int, u: float = U) -> float:
    """γₙ = n·u / (1 − n·u), the bound on the relative error of n rounded operations.

    Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, §3.1.
    """
    return terms * u / (1.0 - terms * u)


@dataclass(frozen=True)
class Unit:
    """The rounding unit of every element of a top, as rows of sites × channels.

    A *site* is a position on all axes but the channels; sites run over N, H, W. Either the unit is the outer
    product of `site` (sites × groups) and `channel` plus `offset` (both per channel), which costs next to nothing to
    keep, or it is given element by element in `dense` (sites × channels).
    """

    site: Float32 | None = None
    channel: Float32 | None = None
    offset: Float32 | None = None
    dense: Float32 | None = None
    floor: float = TINY

    def rows(self, start: int, stop: int) -> Float32:
        """The units of the sites from `start` to `stop`: (stop − start) × channels, or × 1 where all are alike."""
        if self.dense is not None:
            dense: Float32 = self.dense[start:stop] + np.float32(self.floor)
            return dense
        if self.site is None or self.channel is None:
            return np.full((stop - start, 1), self.floor, np.float32)
        site = self.site[start:stop]
        if site.shape[1] > 1:
            site = np.repeat(site, len(self.channel) // site.shape[1], axis=1)
        unit = site * self.channel
        unit += np.float32(self.floor) if self.offset is None else self.offset + np.float32(self.floor)
        return unit


@dataclass(frozen=True)
class Exact:
    """A top in float64 at some sites: sites × channels.

    `value` is what Caffe's definition gives; `scale` is what a rounding error is relative to (Σ|w·x| + |b| for a dot
    product), zero for a layer that only copies. |float32 − value| ≤ γ(terms)·scale + floor for every correct order of
    summation.
    """

    value: Float64
    scale: Float64
    terms: int = 0
    floor: float = TINY

    @property
    def bound(self) -> Float64:
        """The largest error that rounding can explain, per element."""
        return gamma(self.terms) * self.scale + self.floor


@dataclass(frozen=True)
class KerasCall:
    """One Keras layer as data. The source text and the live layer are both made from it, so they cannot differ.

    A layer type's calls stand in the order in which they are made; the last one gives the tops. `reads` are indices of
    calls before it, −1 − i for the layer's bottom i; None is the call before, all bottoms for the first call.
    """

    class_name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)  # in the order in which a person would write them
    positional: int = 0  # how many of the arguments are written without their names
    comment: str | None = None
    main: bool = False  # the one that bears the Caffe layer's name and its weights
    custom: bool = False  # a class of harness.keras_layers, not of keras.layers
    reads: tuple[int, ...] | None = None


class LayerType:
    """What one Caffe layer type is: shapes, weights, Keras layers, rounding unit and definition.

    Shapes and arrays are in Caffe's layout, channels on axis 1, unless a name says otherwise. `position` says which of
    several tops is meant.
    """

    name: ClassVar[str] = ""
    """Caffe's name of the type; set by `register`."""

    identity: ClassVar[bool] = False
    """True if the tops equal the bottoms at inference (Dropout, Split); such layers are folded into their neighbour."""

    exact: ClassVar[bool] = False
    """True if nothing is rounded: the two sides must agree to the bit."""

    moves: ClassVar[bool] = False
    """True if the top has the bottom's numbers in other places, whatever they are. Where a Keras model has no namesake of
    such a layer, it is judged with what reads it: ports reshape and permute in their own way."""

    reshapes: ClassVar[bool] = False
    """True if these numbers follow each other, in Caffe's order of axes, as they do in the bottom."""

    local: ClassVar[bool] = True
    """True if a spatial crop of the bottoms can stand for the whole, so that large layers are adjudicated on a crop."""

    drops_items: ClassVar[bool] = False
    """True if how many items (axis 0) the tops have depends on numbers: `output_shapes` gives the most there can be."""

    parameter_rounding: ClassVar[float] = 0.0
    """Relative difference that may stem from scalar parameters: Caffe keeps them in float32, Keras in float64."""

    keras_classes: ClassVar[tuple[str, ...]] = ()
    """Keras classes that can be this layer's counterpart."""

    shape_only: ClassVar[tuple[int, ...]] = ()
    """Bottoms of which only the shape matters; a Keras counterpart need not read them."""

    fuses: ClassVar[tuple[str, ...]] = ()
    """Values of Keras' `activation` argument that stand for this layer when it is fused into the layer before."""

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        """The tops' shapes. Raises UnsupportedError for parameters that cannot be honoured."""
        return tuple(bottoms[:1]) * len(layer.tops)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        """The shapes of the learned blobs that Caffe would allocate; empty for a layer that learns nothing."""
        return ()

    def blob_ranges(self, layer: Layer) -> tuple[tuple[float, float], ...] | None:
        """Lowest and highest number of each blob where weights are made up; None for a kernel and its bias.

        Of the size that training gives them, and far enough from 0 and 1 that leaving one out shows. There may be more than
        the layer has blobs: a bias that it does without.
        """
        return None

    def fan_in(self, layer: Layer, kernel: Shape) -> float:
        """How many products one output element sums."""
        return float(np.prod(kernel[1:]))

    def whole_numbers(self, layer: Layer, position: int, bottoms: Sequence[Shape]) -> int | None:
        """How many whole numbers, from 0 on, the bottom at a position may hold (2 for a flag); None where it holds any.

        Numbers drawn for a net's input keep to it: Caffe reads beyond a table's end, or aborts.
        """
        return None

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        """How the Keras layers of `keras_calls` want each bottom held; None takes it as it comes.

        By default the first is taken as it comes and the others of its rank are brought into the same order.
        """
        return (None, *(bottoms[0].order if other.rank == bottoms[0].rank else None for other in bottoms[1:]))[
            : len(bottoms)
        ]

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        """The Keras layers that compute this one from bottoms held as it `wants` them; empty if nothing is to be done."""
        raise UnsupportedError(
            f"type {layer.type!r} has no conversion to Keras yet",
            layer=layer.name,
            line=layer.line,
            fix=f"add keras_calls to harness/layers/{module_name(layer.type)}.py",
        )

    def gives(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order, ...]:
        """How Keras holds each top, given how it holds the bottoms: by default in the first bottom's order.

        A top of another rank, and one without a bottom, is held as Caffe has it.
        """
        shapes = self.output_shapes(layer, [bottom.shape for bottom in bottoms])
        same = [bool(bottoms) and len(shape) == bottoms[0].rank for shape in shapes]
        return tuple(
            bottoms[0].order if kept else caffe_order(len(shape)) for kept, shape in zip(same, shapes, strict=True)
        )

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        """The blobs as the variables of the main Keras layer, by the variable's name.

        Args:
            bottoms: as the Keras layer reads them.
            keras_class: the Keras layer that takes them: a Scale's may be those of a BatchNormalization.
        """
        return {}

    def absorbs(self, layer: Layer, follower: Layer, call: KerasCall) -> KerasCall | None:
        """The Keras layer of this one with the layer behind it taken in, None if it cannot be."""
        return None

    def is_within(self, layer: Layer, node: KerasNode) -> bool:
        """True if this layer is part of the Keras layer of the one before it, as a Scale is of a BatchNormalization."""
        return False

    def renames(self, layer: Layer, bottom: Held) -> Order | None:
        """For a layer that only gives the axes other numbers: how the same tensor holds its top. None for all others."""
        return None

    def trails(self, layer: Layer, segment: Sequence[KerasNode], node: KerasNode) -> bool:
        """True if a Keras layer right behind the main one still belongs to it, as a crop behind a transposed convolution.

        Args:
            segment: the Keras layers that belong to it so far, the main one among them.
        """
        return False

    def macs(self, layer: Layer, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        """Multiplications of one forward pass; decides whether a layer is adjudicated whole or by a sample."""
        return int(np.prod(tops[0]))

    def reach(self, layer: Layer) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """How many bottom rows and columns one output element sees, and how far apart its neighbours' are.

        One number for each spatial axis; axes without one are not cropped.
        """
        return (1, 1), (1, 1)

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """The rounding unit at every element of the top. `bottoms` and `top` are the reference's, N, C, H, W."""
        return Unit()

    def define(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], sites: Index, position: int = 0
    ) -> Exact:
        """Caffe's definition in float64 at `sites` (sites × (N, H, W) indices into the top)."""
        return self.follow(layer, blobs, Exact(*_gather(bottoms[0], sites)))

    def follow(self, layer: Layer, blobs: Blobs, exact: Exact) -> Exact:
        """The definition of a layer that looks at one site at a time, applied to what came before it."""
        return exact

    def along(self, layer: Layer, rank: int) -> int:
        """The axis whose numbers `follow` brings together; they are handed to it as channels."""
        return 1

    def follow_unit(self, layer: Layer, blobs: Blobs, unit: Unit, top: Float32) -> Unit:
        """The rounding unit behind this layer, when Keras fuses it into the layer before. `top` is this layer's."""
        return unit


def _gather(bottom: np.ndarray, sites: Index) -> tuple[Float64, Float64]:
    value = at_sites(bottom, sites)
    return value, np.zeros_like(value)


def at_sites(array: np.ndarray, sites: Index) -> Float64:
    """An N, C, … array at some sites, in float64: sites × channels. With less than two axes there is one channel."""
    last = channels_last(array) if array.ndim > 1 else array.reshape(-1, 1)
    values: Float64 = last[tuple(sites.T)].astype(np.float64)
    return values


def rows_of(array: np.ndarray) -> np.ndarray:
    """An N, C, … array as sites × channels."""
    if array.ndim < 2:
        return array.reshape(-1, 1)
    return np.ascontiguousarray(channels_last(array)).reshape(-1, array.shape[1])


def from_rows(rows: np.ndarray, shape: Shape) -> np.ndarray:
    """The N, C, … array of a shape from its sites × channels."""
    if len(shape) < 2:
        return rows.reshape(shape)
    return np.moveaxis(rows.reshape(shape[0], *shape[2:], shape[1]), -1, 1)


def flush_floor(terms: int, largest: float) -> float:
    """What may be lost where one side flushes denormal operands, products and sums to zero and the other does not."""
    return terms * TINY * max(1.0, largest if np.isfinite(largest) else 1.0)


def largest_size(array: np.ndarray) -> float:
    """The largest absolute value, without a copy of the array."""
    return max(float(array.max(initial=0.0)), -float(array.min(initial=0.0)))


def channels_last(array: np.ndarray) -> np.ndarray:
    """A view of an N, C, … array as N, …, C."""
    return np.moveaxis(array, 1, -1) if array.ndim > 1 else array


def absorb_activation(follower: Layer, call: KerasCall) -> KerasCall | None:
    """The call with the layer behind it as its `activation`, where a person would write it so: no parameter is left."""
    activation = _activation_of(follower)
    if activation is None or "activation" in call.arguments:
        return None
    return replace(call, arguments={**call.arguments, "activation": activation})


def _activation_of(layer: Layer) -> str | None:
    parameters = layer.parameters
    if layer.type == "ReLU":
        return None if parameters.relu_param.negative_slope else "relu"
    if layer.type == "ELU":
        return "elu" if parameters.elu_param.alpha == 1 else None
    return {"Sigmoid": "sigmoid", "TanH": "tanh"}.get(layer.type)


def module_name(layer_type: str) -> str:
    """The file a layer type lives in: `InnerProduct` → `inner_product`, `PReLU` → `prelu`, `MVN` → `mvn`."""
    name = layer_type.replace("ReLU", "relu").replace("TanH", "Tanh")
    return "".join(
        f"_{c.lower()}" if c.isupper() and i and not name[i - 1].isupper() else c.lower() for i, c in enumerate(name)
    )


def keras_name(name: str) -> str:
    """A Caffe layer's name as a Keras layer can bear it: Keras refuses `/`."""
    return name.replace("/", "__")
