"""Python layers that stand in for types of forks, in the real Caffe, held against float64 loops and against OpenCV."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from support import nets

from harness.caffe import read_network, write_caffemodel
from harness.caffe.deploy import net_file
from harness.data import Recording
from harness.engines import RecordRequest, container, opencv
from harness.errors import ReferenceEngineError
from harness.progress import silent
from harness.recording import load_top, read_recording

Float64 = np.ndarray
Arrays = Mapping[str, np.ndarray]
Blobs = Mapping[str, tuple[np.ndarray, ...]]
ULP = 2.0**-23


def layer(kind: str, bottoms: str, tops: str, parameters: str = "", name: str = "") -> str:
    """A layer; its bottoms and tops stand with spaces between."""
    blobs = [f'bottom: "{one}"' for one in bottoms.split()] + [f'top: "{one}"' for one in tops.split()]
    return f'layer {{ name: "{name or tops.split()[0]}" type: "{kind}" {" ".join(blobs)} {parameters} }}\n'


NET = (
    nets.data(2, 6, 7, 9)
    + nets.data(2, 3, 2, 3, name="values")
    + nets.data(2, 3, 2, 3, name="mask")
    + layer("BN", "data", "learn mean var", "bn_param { scale_filler { value: 1 } shift_filler { value: 0.001 } }")
    + layer("BN", "data", "inference", "bn_param { bn_mode: INFERENCE }")
    + layer("BN", "inference", "inference", "bn_param { bn_mode: INFERENCE }", name="in/place")
    + layer("Pooling", "data", "pool indices", "pooling_param { kernel_size: 2 stride: 2 }")
    + layer("Upsample", "pool indices", "unpool", "upsample_param { scale: 2 upsample_h: 7 upsample_w: 9 }")
    + layer("Upsample", "values mask", "padded", "upsample_param { scale: 2 pad_out_h: true }")
    + layer("Upsample", "values mask", "wide", "upsample_param { scale_h: 2 scale_w: 3 }")
    + layer("Permute", "data", "last", "permute_param { order: [0, 2, 3, 1] }")
    + layer("Permute", "data", "partly", "permute_param { order: [0, 3] }")
    + layer("Normalize", "data", "sites", "norm_param { across_spatial: false channel_shared: false }")
    + layer("Normalize", "data", "images", "norm_param { scale_filler { value: 20 } }")
    + layer("Interp", "data", "zoom", "interp_param { zoom_factor: 3 }")
    + layer("Interp", "data", "shrink", "interp_param { shrink_factor: 2 }")
    + layer("Interp", "data", "size", "interp_param { height: 10 width: 1 }")
    + layer("Interp", "data", "same", "interp_param { height: 7 width: 9 }")
    + layer("Interp", "data", "cut", "interp_param { zoom_factor: 2 pad_beg: -1 pad_end: -2 }")
    + layer("Interp", "data", "both", "interp_param { zoom_factor: 2 shrink_factor: 3 }")
    + layer("Pooling", "data", "gate", "pooling_param { pool: AVE global_pooling: true }")
    + layer("Axpy", "gate data data", "axpy")
    + layer("ShuffleChannel", "data", "shuffled", "shuffle_channel_param { group: 2 }")
    + layer("ConvolutionDepthwise", "data", "dw", "convolution_param { kernel_size: 3 pad: 1 stride: 2 num_output: 6 }")
    + layer("DepthwiseConvolution", "data", "dw2", "convolution_param { kernel_size: 2 num_output: 6 group: 6 }")
)
"""Every type, most of them on the input itself. The mask names places of a 3×6 and of a 4×9 plane, some twice."""

PYTHON = {"BN", "Upsample", "Permute", "Normalize", "Interp", "Axpy", "ShuffleChannel"}
OPENCV = ("last", "sites", "images", "zoom", "size", "same", "shuffled", "dw", "dw2")
"""What OpenCV has a layer of its own for."""

rng = np.random.default_rng(3)
INPUTS = {
    "data": (rng.normal(size=(2, 6, 7, 9)) * 3 + 0.5).astype(np.float32),
    "values": rng.normal(size=(2, 3, 2, 3)).astype(np.float32),
    "mask": rng.integers(0, 18, (2, 3, 2, 3)).astype(np.float32),
}
INPUTS["mask"][0, 0] = [[4, 17, 4], [0, 17, 4]]
BLOBS = {
    "learn": (rng.normal(size=(1, 6, 1, 1)), rng.normal(size=(1, 6, 1, 1))),
    "inference": (rng.normal(size=(1, 6, 1, 1)), rng.normal(size=(1, 6, 1, 1))),
    "in/place": (rng.normal(size=(1, 6, 1, 1)), rng.normal(size=(1, 6, 1, 1))),
    "sites": (rng.uniform(10, 20, 6),),
    "images": (np.array(17.5),),
    "dw": (rng.normal(size=(6, 1, 3, 3)), rng.normal(size=6)),
    "dw2": (rng.normal(size=(6, 1, 2, 2)), rng.normal(size=6)),
}


def request_of(folder: Path, text: str = NET, inputs: Arrays = INPUTS, blobs: Blobs | None = None) -> RecordRequest:
    """The net's files in a folder, with the list of its layers where it needs one."""
    folder.mkdir(parents=True, exist_ok=True)
    prototxt, caffemodel = folder / "deploy.prototxt", folder / "net.caffemodel"
    prototxt.write_text(text)
    network = read_network(prototxt)
    types = {one.name: one.type for one in network.layers}
    learned = {name: arrays for name, arrays in (blobs or BLOBS).items() if name in types}
    write_caffemodel(caffemodel, "", learned or dict.fromkeys(types, ()), types)
    paths = {}
    for name, array in inputs.items():
        if name in types:
            paths[name] = folder / f"{name}.npy"
            np.save(paths[name], array)
    described = net_file(network)
    if described is None:
        return RecordRequest(prototxt, caffemodel, paths)
    (folder / "net.json").write_bytes(described)
    return RecordRequest(prototxt, caffemodel, paths, net=folder / "net.json")


@pytest.fixture(scope="module")
def recorded(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder = tmp_path_factory.mktemp("forks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(folder / "cache"))
        (folder / "work" / "out").mkdir(parents=True)
        container.record(engine, request_of(folder), folder / "work" / "out", silent)
    return read_recording(folder / "work" / "out")


def blob(name: str, index: int) -> list[float]:
    return [float(value) for value in np.float32(BLOBS[name][index]).reshape(-1)]


def data() -> Float64:
    return INPUTS["data"].astype(np.float64)


# --------------------------------------------------------------------------------------- the definitions, in loops


def bn_learn() -> tuple[Float64, Float64, Float64]:
    x, top = data(), np.zeros((2, 6, 7, 9))
    mean, var = np.zeros((1, 6, 1, 1)), np.zeros((1, 6, 1, 1))
    for c in range(6):
        values = [float(x[n, c, i, j]) for n, i, j in itertools.product(range(2), range(7), range(9))]
        mean[0, c] = sum(values) / len(values)
        var[0, c] = sum(value * value for value in values) / len(values) - mean[0, c] ** 2
        for n, i, j in itertools.product(range(2), range(7), range(9)):
            normal = (x[n, c, i, j] - mean[0, c, 0, 0]) / (var[0, c, 0, 0] + 1e-9) ** 0.5
            top[n, c, i, j] = blob("learn", 0)[c] * normal + blob("learn", 1)[c]
    return top, mean, var


def bn_inference(name: str, x: Float64) -> Float64:
    top = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*x.shape):
        top[n, c, i, j] = blob(name, 0)[c] * x[n, c, i, j] + blob(name, 1)[c]
    return top


def upsample(values: np.ndarray, mask: np.ndarray, height: int, width: int) -> Float64:
    top = np.zeros((*values.shape[:2], height, width))
    for n, c, i, j in np.ndindex(*values.shape):
        place = int(mask[n, c, i, j])
        top[n, c, place // width, place % width] = values[n, c, i, j]
    return top


def permute(order: Sequence[int]) -> Float64:
    x = data()
    top = np.zeros([x.shape[axis] for axis in order])
    for index in np.ndindex(*x.shape):
        top[tuple(index[axis] for axis in order)] = x[index]
    return top


def normalize(across: bool, scale: Sequence[float]) -> Float64:
    x, top = data(), np.zeros((2, 6, 7, 9))
    for n, c, i, j in np.ndindex(*x.shape):
        summed = [x[n, k, i, j] for k in range(6)] if across is False else list(x[n].reshape(-1))
        top[n, c, i, j] = scale[c % len(scale)] * x[n, c, i, j] / (sum(v * v for v in summed) + 1e-10) ** 0.5
    return top


def interp(height: int, width: int, cut: tuple[int, int] = (0, 0)) -> Float64:
    x = data()[:, :, cut[0] : 7 - cut[1], cut[0] : 9 - cut[1]]
    rows, columns = x.shape[2:]
    top = np.zeros((2, 6, height, width))
    for i, j in itertools.product(range(height), range(width)):
        # Where a site lies is computed in float32 by the fork, and is part of what it computes.
        y = float(np.float32((rows - 1) / (height - 1)) * np.float32(i)) if height > 1 else 0.0
        z = float(np.float32((columns - 1) / (width - 1)) * np.float32(j)) if width > 1 else 0.0
        y0, z0 = int(y), int(z)
        y1, z1 = min(y0 + 1, rows - 1), min(z0 + 1, columns - 1)
        above = (1 - (z - z0)) * x[:, :, y0, z0] + (z - z0) * x[:, :, y0, z1]
        below = (1 - (z - z0)) * x[:, :, y1, z0] + (z - z0) * x[:, :, y1, z1]
        top[:, :, i, j] = (1 - (y - y0)) * above + (y - y0) * below
    return top


def depthwise(name: str, kernel: int, pad: int, stride: int) -> Float64:
    x = np.pad(data(), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    weights = np.float32(BLOBS[name][0]).astype(np.float64)
    height, width = ((edge - kernel) // stride + 1 for edge in x.shape[2:])
    top = np.zeros((2, 6, height, width))
    for n, c, i, j in np.ndindex(*top.shape):
        window = x[n, c, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
        top[n, c, i, j] = (window * weights[c, 0]).sum() + blob(name, 1)[c]
    return top


# --------------------------------------------------------------------------------------------------- what is held


@pytest.mark.engine
class TestInTheRealCaffe:
    def test_the_manifest_has_the_prototxts_types_and_says_who_computed(self, recorded: Recording) -> None:
        network_types = {line.layer: line.type for line in recorded.tops}
        assert network_types["in/place"] == "BN"
        assert network_types["dw"] == "ConvolutionDepthwise"
        assert network_types["dw2"] == "DepthwiseConvolution"
        assert {line.type for line in recorded.tops if line.python} == PYTHON
        assert {line.type for line in recorded.tops if not line.python} == {
            "Input", "Pooling", "ConvolutionDepthwise", "DepthwiseConvolution"
        }  # fmt: skip
        assert [line.top for line in recorded.tops if line.layer == "learn"] == ["learn", "mean", "var"]

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("padded", lambda r: upsample(INPUTS["values"], INPUTS["mask"], 3, 6)),
            ("wide", lambda r: upsample(INPUTS["values"], INPUTS["mask"], 4, 9)),
            ("unpool", lambda r: upsample(load_top(r, "pool", "pool"), load_top(r, "pool", "indices"), 7, 9)),
            ("last", lambda r: permute((0, 2, 3, 1))),
            ("partly", lambda r: permute((0, 3, 1, 2))),
            ("shuffled", lambda r: data()[:, [0, 3, 1, 4, 2, 5]]),
            ("same", lambda r: data()),
        ],
    )
    def test_what_only_moves_is_exact(self, recorded: Recording, name: str, expected) -> None:
        np.testing.assert_array_equal(load_top(recorded, name), expected(recorded))

    def test_of_two_values_for_one_place_the_last_stays(self, recorded: Recording) -> None:
        plane, values = load_top(recorded, "padded")[0, 0], INPUTS["values"][0, 0]
        assert plane[0, 4] == values[1, 2]
        assert plane[2, 5] == values[1, 1]
        assert (plane != 0).sum() == 3

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("learn", lambda r: bn_learn()[0]),
            ("inference", lambda r: bn_inference("inference", data())),
            ("in/place", lambda r: bn_inference("in/place", load_top(r, "inference").astype(np.float64))),
            ("sites", lambda r: normalize(False, blob("sites", 0))),
            ("images", lambda r: normalize(True, [17.5])),
            ("zoom", lambda r: interp(19, 25)),
            ("shrink", lambda r: interp(4, 5)),
            ("size", lambda r: interp(10, 1)),
            ("cut", lambda r: interp(7, 11, (1, 2))),
            ("both", lambda r: interp(5, 5)),
            ("axpy", lambda r: load_top(r, "gate").astype(np.float64) * data() + data()),
            ("dw", lambda r: depthwise("dw", 3, 1, 2)),
            ("dw2", lambda r: depthwise("dw2", 2, 0, 1)),
        ],
    )
    def test_what_computes_is_the_definition_to_rounding(self, recorded: Recording, name: str, expected) -> None:
        top = load_top(recorded, name, "inference" if name == "in/place" else None)
        # A Convolution sums in float32; the Python layers round once, at the end.
        slack = 40 * ULP if name.startswith("dw") else ULP / 8
        np.testing.assert_allclose(top, expected(recorded), rtol=ULP / 2, atol=slack)

    def test_statistics_of_the_batch(self, recorded: Recording) -> None:
        _, mean, var = bn_learn()
        np.testing.assert_allclose(load_top(recorded, "learn", "mean"), mean, rtol=ULP, atol=1e-9)
        np.testing.assert_allclose(load_top(recorded, "learn", "var"), var, rtol=ULP)

    @pytest.mark.parametrize(("images", "names"), [(2, OPENCV), (1, ("axpy",))])  # its Axpy takes one image at a time
    def test_opencv_agrees_where_it_has_the_type(
        self, recorded: Recording, tmp_path: Path, images: int, names: Sequence[str]
    ) -> None:
        text = nets.data(images, 6, 7, 9)
        text += layer("Pooling", "data", "gate", "pooling_param { pool: AVE global_pooling: true }")
        text += "".join(line for line in NET.splitlines(True) if any(f'name: "{name}"' in line for name in names))
        blobs = {**BLOBS, "images": (np.array([17.5]),)}  # it takes no blob without axes
        request = request_of(tmp_path / "net", text, {"data": INPUTS["data"][:images]}, blobs)
        opencv.record(request, tmp_path / "opencv", silent)
        theirs = read_recording(tmp_path / "opencv")
        for name in names:
            ours = load_top(recorded, name)[:images]
            np.testing.assert_allclose(load_top(theirs, name), ours, rtol=2e-6, atol=4e-6, err_msg=name)

    def test_a_place_outside_of_the_plane(self, engine: str, tmp_path: Path, out: Path) -> None:
        text = nets.data(2, 3, 2, 3, name="values") + nets.data(2, 3, 2, 3, name="mask")
        text += layer("Upsample", "values mask", "top", "upsample_param { scale: 2 pad_out_w: true }")
        mask = INPUTS["mask"].copy()
        mask[1, 2, 1, 1] = 20
        request = request_of(tmp_path / "net", text, {**INPUTS, "mask": mask})
        with pytest.raises(ReferenceEngineError) as caught:
            container.record(engine, request, out, silent)
        assert caught.value.message == (
            f"Caffe ({engine}): ValueError: Upsample: the mask names place 20 of a plane of 20; "
            "is the size that of the pooling's bottom?"
        )
