"""From a net and a Keras model with a bug in it to what the harness says of it, without Caffe and without files kept."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from support import nets

from harness.compare import stream
from harness.compare.adjudicate import define
from harness.compare.verdict import assemble
from harness.data import InputSource, KerasNode, LayerComparison, Network, Pair, Top
from harness.diagnose.clues import Clues
from harness.diagnose.explainer import Explainer
from harness.engines.filling import fill_weights
from harness.engines.keras import Candidate, wrap_model
from harness.layers import layer_type
from harness.layers.shapes import infer_shapes
from harness.layout import last_shape
from harness.mapping import map_layers
from harness.recording import RecordingWriter, load_top


def rows_of(
    net: Network,
    model: Any,
    *,
    blobs: Mapping[str, nets.Blobs] | None = None,
    inputs: Mapping[Top, np.ndarray] | None = None,
    converted: bool = False,
    names: Mapping[str, str] | None = None,
    end_to_end: bool = False,
    fed: InputSource | None = None,
) -> dict[str, LayerComparison]:
    """Every compared layer's row, causes and all. The recording holds what the definitions give: the cause is in question.

    Args:
        blobs: Caffe's, random ones unless given.
        converted: fill the model with them; else it keeps its own weights.
        names: Caffe layer → Keras layer, where they differ.
        fed: how the input was made, for the causes that depend on it.
        end_to_end: as a report has them: run from the input on too, missing layers among them, inherited errors told.
    """
    blobs = nets.random_blobs(net) if blobs is None else blobs
    inputs = nets.random_inputs(net) if inputs is None else inputs
    shapes, weights = infer_shapes(net), nets.weights(blobs)
    candidate = wrap_model(model, "model.keras")
    layer_map = map_layers(net, candidate.graph, names or {})
    if converted:
        fill_weights(candidate, layer_map, net, weights, shapes)
        candidate = Candidate(candidate.model, candidate.source)
    with tempfile.TemporaryDirectory() as folder:
        with RecordingWriter(Path(folder) / "reference", engine="native", version="caffe 1.0.0") as writer:
            for top, array in forward(net, blobs, inputs).items():
                writer.add(top.layer, net[top.layer].type, top.blob, array)
        recording = writer.recording
        explain = Explainer(net, weights, shapes, candidate, fed)
        options = stream.Options(end_to_end=end_to_end)
        rows = list(stream.compare_layers(layer_map, weights, recording, candidate, inputs, options, explain))
        if end_to_end:
            missing = explain.missing(layer_map, lambda top: load_top(recording, top.layer, top.blob))
            rows = list(assemble(net, layer_map, rows, shapes, traced=True, explain=missing))
    return {row.layer: row for row in rows}


def clues(net: Network, *nodes: KerasNode, blobs: Mapping[str, nets.Blobs] | None = None) -> Clues:
    """What is known of the layer called `layer` from definitions alone, its Keras layers given as data."""
    layer, shapes = net["layer"], infer_shapes(net)
    pair = Pair((layer,), tuple(node.name for node in nodes), layer.bottoms, (), (), "same name", nodes[-1].name)
    return Clues(
        pair=pair,
        network=net,
        weights=nets.weights(nets.random_blobs(net) if blobs is None else blobs),
        nodes=nodes,
        bottoms=[shapes[bottom] for bottom in layer.bottoms],
        variables=lambda name: {},
    )


def forward(net: Network, blobs: Mapping[str, nets.Blobs], inputs: Mapping[Top, np.ndarray]) -> dict[Top, np.ndarray]:
    """Every top by Caffe's definitions, float32, N, C, H, W."""
    tops = {top: array.astype(np.float32) for top, array in inputs.items()}
    for layer in net.layers:
        bottoms = [tops[bottom] for bottom in layer.bottoms]
        shapes = layer_type(layer).output_shapes(layer, [one.shape for one in bottoms]) if bottoms else ()
        for position, (top, shape) in enumerate(zip(layer.tops, shapes, strict=False)):
            if layer_type(layer).identity:
                tops[top] = bottoms[0]
                continue
            pair = Pair((layer,), (), layer.bottoms, (), (), "")
            exact = define(pair, blobs, bottoms, nets.all_sites(shape), position)
            last = exact.value.reshape(last_shape(shape)).astype(np.float32)
            tops[top] = np.moveaxis(last, -1, 1) if last.ndim > 2 else last
    return tops
