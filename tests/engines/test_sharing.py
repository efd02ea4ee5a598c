"""What the real Caffe computes with blobs that layers share by name, held against the weights as they were loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import nets
from support.recording import request_of

from harness.caffe import load_weights, read_network, write_caffemodel
from harness.engines import container
from harness.errors import ReferenceEngineError
from harness.progress import silent
from harness.recording import load_top, read_recording

LAYER = "convolution_param {{ num_output: 2 kernel_size: 1 }} {}"
OWN, BOTH = "param { }", 'param { name: "w" } param { name: "v" }'
TEXT = (
    nets.data(1, 2, 3, 4)
    + nets.layer("Convolution", "data", "owner", LAYER.format(BOTH))
    + nets.layer("Convolution", "owner", "absent", LAYER.format(BOTH))
    + nets.layer("Convolution", "absent", "half", LAYER.format('param { name: "w" }'))
    + nets.layer("Convolution", "half", "early", LAYER.format('param { } param { name: "v" }'))
    + nets.layer("Convolution", "early", "twin", LAYER.format('param { name: "twin" }'))
    + nets.layer("Convolution", "twin", "other", LAYER.format('param { name: "twin" } param { name: "v" }'))
)


@pytest.mark.engine
def test_caffe_computes_with_what_we_say_it_has(engine: str, tmp_path: Path, out: Path) -> None:
    request = request_of(tmp_path / "net", TEXT)
    network = read_network(request.prototxt)
    blobs = nets.random_blobs(network, seed=4)
    order = ("early", "twin", "half", "owner", "other")  # not the net's, and "absent" is none of them
    write_caffemodel(request.caffemodel, "", {name: blobs[name] for name in order}, dict.fromkeys(order, "Convolution"))
    container.record(engine, request, out, silent)
    recording, weights = read_recording(out), load_weights(request.caffemodel, network=network)
    inputs = {top: np.load(request.inputs[top.blob]) for top in network.inputs}
    learned = {layer.name: weights.of(layer.name) for layer in network.layers}
    for top, expected in nets.define_all(network, learned, inputs).items():
        np.testing.assert_allclose(load_top(recording, top.layer), expected, rtol=1e-4, atol=1e-5, err_msg=top.layer)
    # It would not be so with the file's own numbers.
    assert not np.array_equal(weights.of("owner")[1], blobs["owner"][1])
    assert not np.array_equal(weights.of("twin")[0], blobs["twin"][0])


@pytest.mark.engine
def test_a_layer_with_a_blob_of_its_own_is_lacking(engine: str, tmp_path: Path, out: Path) -> None:
    request = request_of(tmp_path / "net", TEXT)
    blobs = nets.random_blobs(read_network(request.prototxt))
    del blobs["absent"], blobs["half"]
    write_caffemodel(request.caffemodel, "", blobs, dict.fromkeys(blobs, "Convolution"))
    with pytest.raises(ReferenceEngineError) as caught:
        container.record(engine, request, out, silent)
    assert caught.value.message == (
        f"Caffe ({engine}): the caffemodel has no weights for half; Caffe would leave them unset and not say so"
    )
