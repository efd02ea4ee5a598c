"""The nets that fixtures/models takes from elsewhere are the published ones, and their ports by hand compute the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from support import loops, numpy_caffe
from support.ask_caffe import Built, build_nets
from support.bvlc_terms import count_types, in_bvlc_terms
from support.net_arithmetic import count_parameters, shapes_of
from support.nets import network
from support.ports import counterparts, fill, outputs_of
from support.published import PUBLISHED, Published

from harness.cases import list_cases, read_case
from harness.data import Network, Shape, Top
from harness.engines import image
from harness.engines.keras import Candidate, open_model
from harness.engines.reference import CONTAINERS
from harness.extras import import_keras
from harness.layers.base import channels_last

BY_HAND = {"fcn8s_by_hand": "fcn8s", "segnet_basic_by_hand": "segnet_basic"}

each_net = pytest.mark.parametrize("net", PUBLISHED, ids=lambda net: net.case)
each_port = pytest.mark.parametrize("name", BY_HAND)


def prototxt(models: Path, case: str) -> str:
    return (models / case / "deploy.prototxt").read_text(encoding="utf-8")


def known_types(models: Path, case: str, size: tuple[int, int] | None = None) -> Network:
    """A net, SegNet's two types in BVLC's terms, at another input size if one is given."""
    text = in_bvlc_terms(prototxt(models, case))
    if size is not None:
        text, count = re.subn(
            r"(shape \{ dim: 1 dim: \d+) dim: \d+ dim: \d+", r"\1 dim: {} dim: {}".format(*size), text
        )
        assert count == 1
    return network(text)


def by_blob(shapes: Mapping[Top, Shape]) -> dict[str, Shape]:
    """In-place layers do not change shapes, so any top of a blob will do."""
    return {top.blob: shape for top, shape in shapes.items()}


# -------------------------------------------------------------------------------------------------- the published nets


@each_net
def test_its_layers_by_type(models: Path, net: Published) -> None:
    assert count_types(prototxt(models, net.case)) == net.types


@each_net
def test_its_parameters_by_arithmetic(models: Path, net: Published) -> None:
    assert count_parameters(known_types(models, net.case)) == (net.parameters, net.statistics)


@each_net
def test_its_shapes_by_arithmetic(models: Path, net: Published) -> None:
    shapes = by_blob(shapes_of(known_types(models, net.case)))
    assert {blob: shapes[blob] for blob in net.blobs} == {blob: (1, *shape) for blob, shape in net.blobs.items()}


@pytest.mark.parametrize(
    ("case", "layer", "said"),
    [
        ("fcn32s", "conv1_1", "convolution_param { num_output: 64 kernel_size: 3 pad: 100 }"),
        ("fcn32s", "score", "crop_param { axis: 2 offset: 19 }"),
        ("fcn16s", "score_pool4c", "crop_param { axis: 2 offset: 5 }"),
        ("fcn16s", "score", "crop_param { axis: 2 offset: 27 }"),
        ("fcn8s", "score_pool4c", "crop_param { axis: 2 offset: 5 }"),
        ("fcn8s", "score_pool3c", "crop_param { axis: 2 offset: 9 }"),
        ("fcn8s", "score", "crop_param { axis: 2 offset: 31 }"),
        ("fcn8s", "fuse_pool3", "eltwise_param { operation: SUM }"),
        ("segnet_basic", "norm", "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"),
        ("segnet_basic", "upsample4", "upsample_param { scale: 2 pad_out_h: true }"),
        ("segnet", "upsample5", "upsample_param { scale: 2 upsample_w: 30 upsample_h: 23 }"),
        ("segnet", "upsample4", "upsample_param { scale: 2 upsample_w: 60 upsample_h: 45 }"),
        ("alexnet", "norm1", "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"),
        ("googlenet", "pool5/7x7_s1", "pooling_param { pool: AVE kernel_size: 7 }"),
        ("googlenet", "inception_3a/pool", "pooling_param { pool: MAX kernel_size: 3 pad: 1 }"),
        ("resnet50", "bn_conv1", "batch_norm_param { use_global_stats: true }"),
        ("resnet50", "pool5", "pooling_param { pool: AVE kernel_size: 7 }"),
        ("squeezenet", "pool10", "pooling_param { pool: AVE global_pooling: true }"),
        ("mobilenet", "conv1/bn", "batch_norm_param { use_global_stats: true eps: 1e-5 }"),
        ("densenet121", "pool1", "pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 1 round_mode: FLOOR }"),
        ("densenet121", "pool2", "pooling_param { pool: AVE kernel_size: 2 stride: 2 }"),
    ],
)
def test_what_neither_shapes_nor_counts_tell(models: Path, case: str, layer: str, said: str) -> None:
    (block,) = [one for one in prototxt(models, case).split("layer {\n") if one.startswith(f'  name: "{layer}"\n')]
    assert f"\n  {said}\n" in block


@pytest.fixture(scope="module")
def built() -> dict[str, Built]:
    """Every net as the real Caffe builds it, SegNet's two types in its own terms."""
    problems = {cli: image.why_not(cli, None) for cli in CONTAINERS}
    engine = next((cli for cli, problem in problems.items() if problem is None), None)
    if engine is None:
        pytest.skip("; ".join(map(str, problems.values())))
    models = Path(__file__).parent.parent / "fixtures" / "models"
    return build_nets(engine, {net.case: in_bvlc_terms(prototxt(models, net.case)) for net in PUBLISHED})


@pytest.mark.engine
@each_net
def test_it_is_what_caffe_builds(models: Path, built: dict[str, Built], net: Published) -> None:
    caffe = built[net.case]
    assert caffe.counts() == count_types(in_bvlc_terms(prototxt(models, net.case)))
    assert caffe.parameters() == (net.parameters, net.statistics)
    assert {blob: caffe.blobs[blob] for blob in net.blobs} == {blob: (1, *shape) for blob, shape in net.blobs.items()}
    for blob, shape in by_blob(shapes_of(known_types(models, net.case))).items():
        assert caffe.blobs[blob] == shape, blob


# ----------------------------------------------------------------------------------------------------------- the cases


@each_net
def test_its_case(models: Path, net: Published) -> None:
    case = read_case(models / net.case)
    assert (case.name, case.keras, case.weights.seed) == (net.case, "auto", 0)
    assert case.prototxt == (models / net.case / "deploy.prototxt").resolve()
    assert (case.input.image is None) == (net.case == "lenet")  # which takes no colours


def test_every_case_is_published_or_tested_elsewhere(models: Path) -> None:
    dilated = {"dilation7_kitti", "dilation8_camvid", "dilation8_pascal_voc", "dilation10_cityscapes"}
    own = {"digits_lenet", "dilation_mini"}
    assert set(list_cases([models])) == {net.case for net in PUBLISHED} | set(BY_HAND) | dilated | own


@each_port
def test_a_port_is_a_case_of_the_same_net_and_input(models: Path, name: str) -> None:
    port, auto = read_case(models / name), read_case(models / BY_HAND[name])
    assert (port.name, port.prototxt, port.input, port.palette) == (name, auto.prototxt, auto.input, auto.palette)
    assert port.keras == f"../{BY_HAND[name]}/keras_model.py:get_model"


@pytest.mark.parametrize("name", ["segnet", "segnet_basic"])
def test_segnet_has_its_authors_colours(models: Path, name: str) -> None:
    palette = read_case(models / name).palette
    sky, road, unlabelled = (128, 128, 128), (128, 64, 128), (0, 0, 0)
    assert (len(palette), palette[0], palette[3], palette[11]) == (12, sky, road, unlabelled)


# ---------------------------------------------------------------------------------------------------- the ports by hand


def open_port(models: Path, name: str, size: tuple[int, int]) -> Candidate:
    case = read_case(models / name)
    return open_model(case.keras, case.folder, (*size, 3))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [("fcn8s_by_hand", (500, 500)), ("segnet_basic_by_hand", (360, 480))])
def test_a_port_has_caffes_names_and_shapes(models: Path, name: str, size: tuple[int, int]) -> None:
    net = known_types(models, BY_HAND[name])
    pairs = list(counterparts(net, open_port(models, name, size).model))
    computing = {layer.name for layer in net.layers if layer.type not in ("Input", "ReLU")}
    assert computing <= {layer.name for _, layer in pairs}
    shapes = shapes_of(net)
    for caffe, layer in pairs:
        expected = [(*shapes[top][2:], shapes[top][1]) for top in caffe.tops]
        assert [tuple(output.shape[1:]) for output in outputs_of(layer)] == expected, layer.name


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [("fcn8s_by_hand", (13, 30)), ("segnet_basic_by_hand", (24, 32))])
def test_a_port_computes_what_caffe_defines(models: Path, name: str, size: tuple[int, int]) -> None:
    """End to end, every layer, at sizes that make pools round up.

    Masks are equal to the bit since nothing is near a tie: with this seed, the closest second in any window of SegNet's is
    away by 3.6e-5 of the largest value. Each number is within 1e-5 of that; the worst seen is 2.4e-6.
    """
    keras = import_keras()
    net, model = known_types(models, BY_HAND[name], size), open_port(models, name, size).model
    rng = np.random.default_rng(0)
    blobs = {layer.name: fill(layer, rng) for layer in model.layers if layer.weights}
    picture = rng.uniform(0, 255, (1, 3, *size)).astype(np.float32)
    expected = numpy_caffe.forward(net, blobs, picture)
    pairs = list(counterparts(net, model))
    tops = [top for caffe, _ in pairs for top in caffe.tops]
    tensors = [output for _, layer in pairs for output in outputs_of(layer)]
    computed = keras.Model(model.inputs, tensors)([channels_last(picture)])
    for top, tensor in zip(tops, computed, strict=True):
        want, have = channels_last(expected[top]), np.asarray(tensor)
        assert have.shape == want.shape, top
        if top.blob.endswith("_mask"):
            np.testing.assert_array_equal(have, want, str(top))
        else:
            assert np.abs(have - want).max() <= 1e-5 * np.abs(want).max(), top


def test_segnets_layers_at_ties_and_odd_sizes(models: Path) -> None:
    """Many equal values: the first of them counts, row by row, as in Caffe."""
    model = open_port(models, "segnet_basic_by_hand", (24, 32)).model
    pool, unpool = (type(model.get_layer(name)) for name in ("pool1", "upsample1"))
    x = np.random.default_rng(0).integers(-2, 2, (2, 3, 5, 7)).astype(np.float32)
    values, mask = pool()(channels_last(x))
    want, want_mask = numpy_caffe.max_pooling(x)
    np.testing.assert_array_equal(values, channels_last(want))
    np.testing.assert_array_equal(mask, channels_last(want_mask))
    back = unpool((5, 7))([values, mask])
    np.testing.assert_array_equal(back, channels_last(numpy_caffe.unpooling(want, want_mask, (5, 7))))


def test_segnets_lrn_with_more_channels_than_it_sums(models: Path) -> None:
    lrn = type(open_port(models, "segnet_basic_by_hand", (24, 32)).model.get_layer("norm"))
    x = np.random.default_rng(0).normal(size=(1, 9, 2, 3)).astype(np.float32)
    found = lrn(size=3, alpha=0.5, beta=0.6)(channels_last(x))
    np.testing.assert_allclose(found, channels_last(numpy_caffe.lrn(x.astype(np.float64), 3, 0.5, 0.6)), rtol=1e-6)


def test_segnets_port_can_be_saved_and_trained(models: Path, tmp_path: Path) -> None:
    keras = import_keras()
    import tensorflow

    model = open_port(models, "segnet_basic_by_hand", (24, 32)).model
    picture = np.random.default_rng(0).uniform(0, 255, (1, 24, 32, 3)).astype(np.float32)
    model.save(tmp_path / "segnet.keras")
    again = keras.models.load_model(tmp_path / "segnet.keras")
    np.testing.assert_array_equal(again(picture), model(picture))
    with tensorflow.GradientTape() as tape:
        loss = tensorflow.reduce_mean(model(picture)[..., 0])
    for variable, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True):
        assert gradient is not None, variable.path
        assert np.any(gradient), variable.path


# -------------------------------------------------------------------------------------- what the above is held against


def test_numpy_is_the_loops() -> None:
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(2, 3, 7, 6)), rng.normal(size=(4, 3, 3, 2))
    want = loops.convolution(x, kernel, None, (2, 2), (1, 1), (1, 1), 1)
    np.testing.assert_allclose(numpy_caffe.convolution(x, kernel, 2, 1), want, atol=1e-12)
    kernel = rng.normal(size=(3, 4, 5, 4))
    want = loops.deconvolution(x, kernel, None, (2, 2), (1, 1), (1, 1), 1)
    np.testing.assert_allclose(numpy_caffe.deconvolution(x, kernel, 2, 1), want, atol=1e-12)
    values, mask = numpy_caffe.max_pooling(x)
    np.testing.assert_array_equal(values, loops.pooling(x, (2, 2), (2, 2), (0, 0), average=False))
    for n, c, row, column in np.ndindex(*mask.shape):
        assert x[n, c].flat[int(mask[n, c, row, column])] == values[n, c, row, column]
