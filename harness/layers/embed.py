"""Embed: rows of a table, looked up by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import Blobs, Float32, KerasCall
from harness.layers.whole import Whole
from harness.layout import Held, caffe_order


@register("Embed")
class Embed(Whole):
    """top[…, o] = w[bottom[…], o] + b[o], with w of input_dim × num_output; the bottom holds whole numbers.

    The sum of two float32 numbers is rounded once, so that Keras' Embedding gives the same bits with the bias added to
    its table beforehand. A number that is no row's is not checked by Caffe, which reads what lies there in memory.
    Source: BVLC Caffe 1.0, embed_layer.cpp.
    """

    exact = True
    keras_classes = ("Embedding",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        spec = _spec(layer)
        problem = None
        if len(bottoms) != 1 or len(layer.tops) != 1:
            problem = f"{len(bottoms)} bottoms, {len(layer.tops)} tops: it takes one of each"
        elif not spec.num_output or not spec.input_dim:
            problem = f"no {'input_dim' if spec.num_output else 'num_output'}"
        if problem:
            raise UnsupportedError(
                problem, layer=layer.name, line=layer.line, fix="give embed_param { input_dim: … num_output: … }"
            )
        return ((*bottoms[0], int(spec.num_output)),)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        spec = _spec(layer)
        table, bias = (int(spec.input_dim), int(spec.num_output)), (int(spec.num_output),)
        return (table, bias) if spec.bias_term else (table,)

    def whole_numbers(self, layer: Layer, position: int, bottoms: Sequence[Shape]) -> int | None:
        return int(_spec(layer).input_dim)

    def blob_ranges(self, layer: Layer) -> tuple[tuple[float, float], ...]:
        return ((-1.0, 1.0), (-0.05, 0.05))

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return tuple(caffe_order(bottom.rank) for bottom in bottoms)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        spec = _spec(layer)
        sizes = {"input_dim": int(spec.input_dim), "output_dim": int(spec.num_output)}
        return (KerasCall("Embedding", sizes, positional=2, main=True),)

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        return {"embeddings": _table(layer, blobs)}

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return (rows_at(_table(layer, blobs).astype(bottoms[0].dtype), bottoms[0]),)


def rows_at(table: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """table[number] for each of `numbers`, cut to whole numbers as Caffe cuts them; NaN where there is no such row."""
    with np.errstate(invalid="ignore"):
        there = (numbers > -1) & (numbers < len(table))  # −0.5 is cut to 0
        found: np.ndarray = table[np.where(there, numbers, 0).astype(np.int64)]
    found[~there] = np.nan
    return found


def _spec(layer: Layer) -> Any:
    return layer.parameters.embed_param


def _table(layer: Layer, blobs: Blobs) -> Float32:
    """input_dim × num_output, the bias added in float32."""
    table = blobs[0].reshape(blobs[0].shape[-2:])
    return table + blobs[1].reshape(-1) if len(blobs) > 1 else table
