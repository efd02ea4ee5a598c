"""What a layer's result depends on, in Caffe's terms, and mistakes as functions of it.

A mistake takes what Caffe's definition computes from and gives what Keras seems to compute from: another pad, blobs in
another order, one layer less. Mistakes can be made one after the other, so that two in one layer need no words of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.compare.adjudicate import define
from harness.data import Layer, Pair, Shape
from harness.layers import layer_type
from harness.layers.base import Blobs, Exact, Index, at_sites
from harness.layout import last_shape

Then = Callable[[Exact, Index], Exact]
"""Done to the definition's rows (sites × channels) at some sites (sites × (N, H, W)) of what is shown."""


@dataclass(frozen=True)
class Setting:
    """Some Caffe layers, one behind the other, with their learned blobs, and what the first of them reads."""

    pair: Pair
    layers: tuple[Layer, ...]  # the first, then those that Keras fuses into it
    blobs: Mapping[str, Blobs]
    bottoms: tuple[np.ndarray, ...]  # N, C, H, W
    position: int = 0  # which of the first layer's tops
    offset: tuple[int, ...] = ()  # where the shown part begins in the top, for each spatial axis
    size: tuple[int, ...] = ()  # how much of it is shown, for each spatial axis; all of it if empty
    then: tuple[Then, ...] = ()

    @property
    def layer(self) -> Layer:
        """The layer with the weights."""
        return self.layers[0]

    @property
    def whole_shape(self) -> Shape:
        """The top's shape, N, C, H, W. Raises UnsupportedError where Caffe could not make it."""
        shapes = [bottom.shape for bottom in self.bottoms]
        return layer_type(self.layer).output_shapes(self.layer, shapes)[self.position]

    @property
    def shape(self) -> Shape:
        """The shape of what is shown of the top."""
        whole = self.whole_shape
        return (*whole[:2], *self.size) if self.size else whole

    def define(self, sites: Index) -> Exact:
        """Caffe's definition of the layers at some sites of what is shown, in float64: sites × channels."""
        shifted = sites if not self.offset else sites + np.array((0, *self.offset))
        pair = replace(self.pair, caffe=self.layers)
        exact = define(pair, self.blobs, self.bottoms, shifted, self.position)
        for step in self.then:
            exact = step(exact, sites)
        return exact

    def sites(self) -> Index:
        """Every site of what is shown: sites × (N, H, W)."""
        shape = last_shape(self.shape)
        axes = [np.arange(size) for size in (shape[:-1] if len(shape) > 1 else shape)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes)).astype(np.int64)


Mistake = Callable[[Setting], Setting]
"""May raise UnsupportedError or ValueError where it cannot be made."""


def in_parameters(message: str, **values: Any) -> Mistake:
    """Another value for some fields of the first layer's `message`, such as `pooling_param`; None clears a field."""

    def make(setting: Setting) -> Setting:
        layer = with_fields(setting.layer, message, **values)
        return replace(setting, layers=(layer, *setting.layers[1:]))

    return make


def with_fields(layer: Layer, message: str, **values: Any) -> Layer:
    """A copy of a layer with other values in one of its messages; a list fills a repeated field, None clears it."""
    parameters = type(layer.parameters)()
    parameters.CopyFrom(layer.parameters)
    spec = getattr(parameters, message)
    for name, value in values.items():
        spec.ClearField(name)
        if isinstance(value, (list, tuple)):
            getattr(spec, name).extend(value)
        elif value is not None:
            setattr(spec, name, value)
    return replace(layer, parameters=parameters)


def in_blobs(change: Callable[[Blobs], Sequence[np.ndarray]], layer: str | None = None) -> Mistake:
    """Other learned blobs in the layer with the weights, or in one that is fused behind it."""

    def make(setting: Setting) -> Setting:
        name = layer or setting.layer.name
        changed = tuple(np.asarray(blob) for blob in change(tuple(setting.blobs[name])))
        return replace(setting, blobs={**setting.blobs, name: changed})

    return make


def in_bottoms(change: Callable[[tuple[np.ndarray, ...]], Sequence[np.ndarray]]) -> Mistake:
    """Other bottoms: N, C, H, W arrays in, as many or fewer out."""

    def make(setting: Setting) -> Setting:
        return replace(setting, bottoms=tuple(np.ascontiguousarray(one) for one in change(setting.bottoms)))

    return make


def in_result(step: Then) -> Mistake:
    """Something done to the numbers behind the last layer."""
    return lambda setting: replace(setting, then=(*setting.then, step))


def with_result(compute: Callable[[Setting], tuple[np.ndarray, np.ndarray]]) -> Mistake:
    """Another function in the first layer's place.

    Args:
        compute: gives the top, N, C, …, and what its rounding errors are relative to, of the same shape.
    """

    def make(setting: Setting) -> Setting:
        value, scale = compute(setting)
        shift = np.array((0, *setting.offset)) if setting.offset else 0

        def rounded(exact: Exact, sites: Index) -> Exact:
            return replace(exact, scale=np.fmax(exact.scale, at_sites(scale, sites + shift)))

        copies = replace(setting.layer, type="Split")
        return replace(setting, layers=(copies, *setting.layers[1:]), bottoms=(value,), then=(*setting.then, rounded))

    return make


def fused_behind(layer: Layer, *, instead_of: str | None = None) -> Mistake:
    """One more layer that looks at one site at a time; with a name, in the place of that layer."""

    def make(setting: Setting) -> Setting:
        kept = [one for one in setting.layers if one.name != instead_of]
        return replace(setting, layers=(*kept, layer))

    return make


def without(name: str) -> Mistake:
    """One of the fused layers left out."""

    def make(setting: Setting) -> Setting:
        return replace(setting, layers=tuple(one for one in setting.layers if one.name != name))

    return make


def all_of(*mistakes: Mistake) -> Mistake:
    """One mistake after the other."""

    def make(setting: Setting) -> Setting:
        for mistake in mistakes:
            setting = mistake(setting)
        return setting

    return make
