"""Why a Caffe layer has no counterpart: it was left out. What shows it, and what to write where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.convert.source import write_call
from harness.data import (
    Cause,
    Cut,
    KerasNode,
    Layer,
    LayerComparison,
    LayerMap,
    Network,
    Order,
    Pair,
    Shape,
    Status,
    Top,
)
from harness.errors import RecordingError, UnsupportedError
from harness.layers import layer_type
from harness.layers.base import keras_name
from harness.layers.folding import canonical_tops, read_tops
from harness.layout import Held, last_order

LoadTop = Callable[[Top], np.ndarray]
"""A top of the reference, N, C, H, W."""

_CODES = {"Scale": "scale.missing", "Bias": "bias.missing"}


@dataclass(frozen=True)
class Missing:
    """The layers that a Keras model lacks, explained one by one."""

    network: Network
    layer_map: LayerMap
    shapes: Mapping[Top, Shape]
    nodes: Mapping[str, KerasNode]
    outputs: tuple[int, ...]  # the Keras model's
    source: Callable[[str], str | None]
    load: LoadTop | None = None  # without it nothing is proven

    def __call__(self, name: str, rows: Mapping[str, LayerComparison]) -> tuple[Cause, ...]:
        """The cause of a missing layer's row.

        It is proven if the Keras layers on both sides are right, and join where the layer should be: then nothing but its
        absence is left.

        Args:
            rows: of the layers that were compared, by name.
        """
        layer = self.network[name]
        gaps = [gap for gap in (self._gap(layer, top) for top in self._reads[name]) if gap is not None]
        if not gaps:
            return ()
        gap = next((gap for gap in gaps if gap.reader or gap.ends), gaps[0])
        effect = self._effect(layer, gap.top)
        if gap.reader is not None:
            evidence = f"{gap.reader.keras[-1]} reads {gap.place}, with {name} in between in the prototxt"
        elif gap.ends:
            evidence = f"the Keras model ends with {gap.place}, the Caffe net with {name}"
        else:
            evidence = f"{name} follows {gap.place} in the prototxt, and nothing in the Keras model is its counterpart"
        right = gap.pair is None or _is_right(rows.get(gap.pair.layer.name))
        return (
            Cause(
                code=code_of(layer),
                summary=f"{name} ({layer.type}) is left out.",
                evidence=f"{evidence}; {effect}." if effect else f"{evidence}.",
                fix=self._fix(layer, gap),
                proven=bool(right and effect and (gap.reader or gap.ends)),
                source=self.source(gap.place) if gap.pair is not None else None,
            ),
        )

    @cached_property
    def _canonical(self) -> Mapping[Top, Top]:
        return canonical_tops(self.network)

    @cached_property
    def _reads(self) -> Mapping[str, tuple[Top, ...]]:
        return read_tops(self.network, self._canonical)

    def _gap(self, layer: Layer, bottom: Top) -> _Gap | None:
        """Where a layer should be: between the layer that gives its bottom, other missing ones skipped, and who reads it."""
        top = bottom
        while not (found := self._holder(top)):
            if top.layer not in self.layer_map.missing or not self._reads[top.layer]:
                return None
            top = self._reads[top.layer][0]
        pair, cut = found
        readers = (one for one in self.layer_map.pairs if self._is_behind(layer, one))
        reader = next((one for one in readers if cut.tensor in {other.tensor for other in one.inputs}), None)
        ends = cut.tensor in self.outputs and not self._readers(layer)
        return _Gap(bottom, pair, cut, reader, ends)

    def _holder(self, top: Top) -> tuple[Pair | None, Cut] | None:
        """The pair that gives a top, None for the model's input, and the tensor that holds it."""
        for pair in self.layer_map.pairs:
            for cut in pair.outputs:
                if self._canonical[cut.top] == top:
                    return pair, cut
        return next(((None, cut) for cut in self.layer_map.inputs.values() if cut.top == top), None)

    def _readers(self, layer: Layer) -> list[Layer]:
        return [one for one in self.network.layers if set(layer.tops) & set(self._reads[one.name])]

    def _is_behind(self, layer: Layer, pair: Pair) -> bool:
        """True if a pair reads the layer's top, other missing layers skipped."""
        tops: set[Top] = set()
        further = set(layer.tops)
        while not further <= tops:
            tops |= further
            lacking = [self.network[name] for name in self.layer_map.missing]
            further = {top for one in lacking if tops & set(self._reads[one.name]) for top in one.tops}
        return bool(tops & set(pair.bottoms))

    def _effect(self, layer: Layer, bottom: Top) -> str | None:
        """What the layer does to the reference's bottom; None if that is nothing, or nothing was run."""
        if self.load is None:
            return None
        try:
            before, after = self.load(bottom), self.load(layer.tops[0])
        except RecordingError:  # a folder made elsewhere need not hold every state of a blob
            return None
        if before.shape != after.shape:
            return f"there it makes {_times(after.shape)} of {_times(before.shape)}"
        changed = float(np.abs(after - before).max(initial=0.0))
        return f"there it changes its bottom by up to {changed:.1e}" if changed else None

    def _fix(self, layer: Layer, gap: _Gap) -> str:
        keras = gap.pair.keras if gap.pair is not None else ()
        norm = next((one for one in keras if self.nodes[one].class_name == "BatchNormalization"), None)
        if layer.type == "Scale" and norm is not None:
            return f"scale=True, center=True in {norm}: its gamma and beta are the blobs of {layer.name}"
        held = [Held(self.shapes[top], self._order(top, gap.cut)) for top in layer.bottoms]
        try:
            calls = layer_type(layer).keras_calls(layer, held)
        except UnsupportedError:
            return f"write {layer.name} behind {gap.place}"
        written = ", ".join(write_call(call, keras_name(layer.name) if call.main else None) for call in calls)
        return f"{written} behind {gap.place}"

    def _order(self, top: Top, cut: Cut) -> Order:
        """How the layer's Keras counterpart will have to read a bottom."""
        rank = len(self.shapes[top])
        return cut.order if len(cut.order) == rank else last_order(rank)


@dataclass(frozen=True)
class _Gap:
    """The place in the Keras model where a layer is missing."""

    top: Top  # the bottom of the layer that leads there
    pair: Pair | None  # what gives it; None for the model's input
    cut: Cut
    reader: Pair | None  # what reads it in the layer's place
    ends: bool  # the model's output stands in the place of the layer's top

    @property
    def place(self) -> str:
        """The Keras layer before the gap."""
        return self.pair.keras[-1] if self.pair is not None else "the input"


def code_of(layer: Layer) -> str:
    """The contract's code for a layer that was left out."""
    if layer.type in _CODES:
        return _CODES[layer.type]
    return "activation.missing" if is_activation(layer) else "layer.missing"


def is_activation(layer: Layer) -> bool:
    """True for a layer that a Keras layer's `activation` can stand for, or that is one with numbers of its own."""
    return bool(layer_type(layer).fuses) or layer.type == "PReLU"


def _is_right(row: LayerComparison | None) -> bool:
    return row is not None and row.status in (Status.MATCH, Status.INHERITED)


def _times(shape: Shape) -> str:
    return "×".join(map(str, shape))
