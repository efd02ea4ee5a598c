"""The estimate against what Caffe takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import nets
from support.recording import request_of

from harness.caffe import read_network
from harness.engines import container, memory
from harness.layers.shapes import infer_shapes
from harness.progress import silent


def estimate(path: Path) -> int:
    net = read_network(path)
    return memory.estimate(net, infer_shapes(net))


def recurrent(kind: str, steps: int, streams: int, inputs: int, outputs: int) -> str:
    return (
        nets.data(steps, streams, inputs, name="x")
        + nets.data(steps, streams, name="cont")
        + f'layer {{ name: "layer" type: "{kind}" bottom: "x" bottom: "cont" top: "h" '
        + f"recurrent_param {{ num_output: {outputs} }} }}\n"
    )


def test_counts_blobs_once_weights_and_the_column_buffers() -> None:
    net = nets.network(
        nets.data(2, 3, 10, 8) + nets.conv(parameters="num_output: 4 kernel_size: 3") + nets.relu("conv")
    )
    blobs = 2 * 3 * 10 * 8 + 2 * 4 * 8 * 6
    weights = 4 * 3 * 3 * 3 + 4
    columns = 3 * 3 * 3 * 8 * 6
    assert memory.estimate(net, infer_shapes(net)) == memory.PROCESS + 4 * (blobs + weights + columns)


def test_weights_count_twice_and_a_part_more_where_they_outweigh_the_blobs() -> None:
    net = nets.network(
        nets.data(1, 1000) + nets.layer("InnerProduct", parameters="inner_product_param { num_output: 500 }")
    )
    assert memory.estimate(net, infer_shapes(net)) == memory.PROCESS + 4 * (2 * (1000 * 500 + 500) + 2**18)


def test_a_size_that_fits_keeps_the_proportions() -> None:
    assert memory.fitting_size((900, 600), needed=8_000, at_hand=2_000) == (427, 285)


@pytest.mark.engine
@pytest.mark.parametrize(
    "text",
    [
        nets.data(1, 16, 256, 256)
        + "".join(
            nets.conv("data" if i == 0 else f"c{i - 1}", f"c{i}", "num_output: 16 kernel_size: 3 pad: 1")
            for i in range(6)
        ),
        nets.data(1, 32, 300, 300) + nets.layer("Pooling", parameters="pooling_param { kernel_size: 3 stride: 1 }"),
        nets.data(1, 9000) + nets.layer("InnerProduct", parameters="inner_product_param { num_output: 4000 }"),
        nets.data(1, 8, 64, 64)
        + nets.layer(
            "Deconvolution", parameters="convolution_param { num_output: 8 kernel_size: 16 stride: 8 pad: 4 }"
        ),
        recurrent("LSTM", steps=200, streams=4, inputs=16, outputs=256),
        recurrent("LSTM", steps=30, streams=512, inputs=16, outputs=64),
        recurrent("RNN", steps=200, streams=16, inputs=16, outputs=256),
    ],
    ids=["convolutions", "pooling", "inner product", "deconvolution", "lstm", "lstm of many streams", "rnn"],
)
def test_is_within_15_percent_of_the_measured_peak(engine: str, text: str, tmp_path: Path, out: Path) -> None:
    request = request_of(tmp_path / "net", text)
    container.record(engine, request, out, silent)
    peak = json.loads((out / "manifest.json").read_text())["peak_bytes"]
    assert estimate(request.prototxt) == pytest.approx(peak, rel=0.15)
