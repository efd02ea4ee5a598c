"""Synthetic weights through deep nets in the real Caffe: no overflow, nothing dead, however deep."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from support import nets

from harness import layers
from harness.caffe import read_network, write_caffemodel
from harness.convert.synthetic import synthetic_input, synthetic_weights
from harness.data import Layer, Shape
from harness.engines import RecordRequest, container
from harness.layers.base import Blobs, LayerType
from harness.progress import silent
from harness.recording import load_top, read_recording


class _Shaped(LayerType):
    """A type of which only the shapes matter here, where it is not described yet."""

    def __init__(
        self, tops: Callable[[Sequence[Shape]], Shape], blobs: Callable[[Layer, int], tuple[Shape, ...]]
    ) -> None:
        self.tops, self.blobs = tops, blobs

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape], blobs: Blobs = ()) -> tuple[Shape, ...]:
        return (self.tops(bottoms),)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        return self.blobs(layer, bottoms[0][1])


def _same(bottoms: Sequence[Shape]) -> Shape:
    return bottoms[0]


def _joined(bottoms: Sequence[Shape]) -> Shape:
    return (bottoms[0][0], sum(shape[1] for shape in bottoms), *bottoms[0][2:])


SHAPED = {
    "BatchNorm": _Shaped(_same, lambda layer, channels: ((channels,), (channels,), (1,))),
    "Scale": _Shaped(_same, lambda layer, channels: ((channels,), (channels,))),
    "Eltwise": _Shaped(_same, lambda layer, channels: ()),
    "Concat": _Shaped(_joined, lambda layer, channels: ()),
    "LRN": _Shaped(_same, lambda layer, channels: ()),
}


@pytest.fixture(autouse=True)
def _shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    known = layers.layer_types()
    for name, described in SHAPED.items():
        if name not in known:
            monkeypatch.setitem(known, name, described)


class Net:
    """A prototxt in the making; each part returns its top."""

    def __init__(self) -> None:
        self.text = nets.data(1, 3, 64, 64)
        self.count = 0

    def add(self, kind: str, *bottoms: str, parameters: str = "", in_place: bool = False) -> str:
        self.count += 1
        name = f"l{self.count}"
        top = bottoms[0] if in_place else name
        reads = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
        self.text += f'layer {{ name: "{name}" type: "{kind}" {reads} top: "{top}" {parameters} }}\n'
        return top

    def conv(self, bottom: str, outputs: int, kernel: int, stride: int = 1, bias: bool = False) -> str:
        about = f"num_output: {outputs} kernel_size: {kernel} stride: {stride} pad: {kernel // 2} bias_term: {bias}"
        return self.add("Convolution", bottom, parameters=f"convolution_param {{ {about.lower()} }}")

    def pool(self, bottom: str, about: str = "kernel_size: 3 stride: 2") -> str:
        return self.add("Pooling", bottom, parameters=f"pooling_param {{ {about} }}")

    def norm(self, bottom: str, *, in_place: bool = True, rectified: bool = True) -> str:
        top = self.add("BatchNorm", bottom, in_place=in_place)
        self.add("Scale", top, parameters="scale_param { bias_term: true }", in_place=True)
        return self.add("ReLU", top, in_place=True) if rectified else top

    def classifier(self, bottom: str) -> str:
        top = self.pool(bottom, "pool: AVE global_pooling: true")
        top = self.add("InnerProduct", top, parameters="inner_product_param { num_output: 100 }")
        self.add("Softmax", top)
        return self.text


def resnet(*blocks: int) -> str:
    net = Net()
    x = net.pool(net.norm(net.conv("data", 64, 7, 2)))
    for stage, count in enumerate(blocks):
        for block in range(count):
            width, stride = 32 << stage, 2 if stage and not block else 1
            y = net.norm(net.conv(x, width, 1, stride))
            y = net.norm(net.conv(net.norm(net.conv(y, width, 3)), 4 * width, 1), rectified=False)
            if not block:
                x = net.norm(net.conv(x, 4 * width, 1, stride), rectified=False)
            x = net.add("ReLU", net.add("Eltwise", x, y), in_place=True)
    return net.classifier(x)


def densenet(*blocks: int) -> str:
    net = Net()
    x, channels = net.pool(net.norm(net.conv("data", 64, 7, 2))), 64
    for stage, count in enumerate(blocks):
        for _ in range(count):
            y = net.conv(net.norm(x, in_place=False), 128, 1)
            x, channels = net.add("Concat", x, net.conv(net.norm(y), 32, 3)), channels + 32
        if stage < len(blocks) - 1:
            channels //= 2
            x = net.pool(net.conv(net.norm(x, in_place=False), channels, 1), "pool: AVE kernel_size: 2 stride: 2")
    return net.classifier(net.norm(x, in_place=False))


def googlenet(modules: int) -> str:
    net = Net()

    def rectified(bottom: str, outputs: int, kernel: int, stride: int = 1) -> str:
        return net.add("ReLU", net.conv(bottom, outputs, kernel, stride, bias=True), in_place=True)

    lrn = "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"
    x = net.add("LRN", net.pool(rectified("data", 64, 7, 2)), parameters=lrn)
    x = net.pool(net.add("LRN", rectified(rectified(x, 64, 1), 192, 3), parameters=lrn))
    for _ in range(modules):
        pooled = net.pool(x, "kernel_size: 3 stride: 1 pad: 1")
        branches = [rectified(x, 64, 1), rectified(rectified(x, 96, 1), 128, 3)]
        branches += [rectified(rectified(x, 16, 1), 32, 5), rectified(pooled, 32, 1)]
        x = net.add("Concat", *branches)
    return net.classifier(x)


@pytest.mark.engine
@pytest.mark.parametrize(
    "text",
    [resnet(3, 4, 6, 3), resnet(3, 8, 36, 3), densenet(6, 12, 24, 16), googlenet(9)],
    ids=["ResNet-50", "ResNet-152", "DenseNet-121", "GoogLeNet"],
)
def test_activations_stay_in_range(engine: str, text: str, tmp_path: Path, out: Path) -> None:
    prototxt, caffemodel = tmp_path / "deploy.prototxt", tmp_path / "net.caffemodel"
    prototxt.write_text(text)
    network = read_network(prototxt)
    types = {layer.name: layer.type for layer in network.layers}
    write_caffemodel(caffemodel, "", synthetic_weights(network, 0), types)
    np.save(tmp_path / "data.npy", synthetic_input((1, 3, 64, 64), 0))
    container.record(engine, RecordRequest(prototxt, caffemodel, {"data": tmp_path / "data.npy"}), out, silent)
    recording = read_recording(out)
    worst, least, where = 0.0, np.inf, ""
    for top in recording.tops[1:-1]:
        array = load_top(recording, top.layer, top.top)
        size = float(np.sqrt(np.mean(np.square(array, dtype=np.float64))))
        assert np.isfinite(array).all(), top
        assert (array != 0).mean() > 0.02, top
        if size > worst:
            worst, where = size, top.layer
        least = min(least, size)
    assert least > 0.1
    assert worst < 100, where
    assert 0 < load_top(recording, recording.tops[-1].layer).max() <= 1


FILLED = """
import io, sys, caffe, numpy
net, packed = caffe.Net(sys.argv[1], caffe.TEST), io.BytesIO()
numpy.savez(packed, **{name: blobs[0].data for name, blobs in net.params.items()})
sys.stdout.buffer.write(packed.getvalue())
"""


@pytest.mark.engine
def test_bilinear_kernels_are_caffes_own(engine: str, tmp_path: Path) -> None:
    text = nets.data(1, 4, 5, 5)
    for kernel in (1, 2, 3, 4, 5, 7, 8, 16, 64):
        # As many outputs as inputs without groups is what we fill otherwise, on the diagonal, as training leaves it.
        outputs, groups = (4, "group: 4") if kernel % 2 else (3, "")
        about = f"num_output: {outputs} kernel_size: {kernel} bias_term: false weight_filler {{ type: 'bilinear' }}"
        text += nets.layer("Deconvolution", "data", f"k{kernel}", f"convolution_param {{ {about} {groups} }}")
    prototxt = tmp_path / "deploy.prototxt"
    prototxt.write_text(text)
    command = [engine, "run", "--rm", "--interactive", "--network", "none", "--entrypoint", "sh", container.image_tag()]
    script = 'cat > /tmp/net.prototxt; exec python3 -c "$0" /tmp/net.prototxt'
    done = subprocess.run([*command, "-c", script, FILLED], input=text.encode(), capture_output=True)
    assert done.returncode == 0, done.stderr
    ours = synthetic_weights(read_network(prototxt), 0)
    with np.load(io.BytesIO(done.stdout)) as theirs:
        assert set(theirs.files) == set(ours)
        for name in ours:
            np.testing.assert_array_equal(ours[name][0], theirs[name], err_msg=name)
