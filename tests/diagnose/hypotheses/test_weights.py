"""Wrong kernels and biases are named and proven, in stock layers from their variables, in others from single pixels."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from support import nets
from support.diagnoses import rows_of

from harness.convert.weights import keras_weights
from harness.data import Cause

NET = nets.network(
    nets.data(2, 3, 9, 8)
    + nets.conv("data", "conv1", "num_output: 8 kernel_size: 3 pad: 1")
    + nets.relu("conv1")
    + nets.conv("conv1", "conv2", "num_output: 8 kernel_size: 3")
    + nets.conv("conv2", "conv3", "num_output: 8 kernel_size: 3 pad: 1")
    + nets.conv("conv3", "grouped", "num_output: 8 kernel_size: 3 group: 2")
    + nets.layer(
        "Deconvolution",
        "grouped",
        "up",
        "convolution_param { num_output: 8 kernel_size: 4 stride: 2 group: 8 bias_term: false }",
    )
    + nets.layer("Convolution", "up", "depthwise", "convolution_param { num_output: 8 kernel_size: 3 group: 8 }")
    + nets.layer("InnerProduct", "depthwise", "fc", "inner_product_param { num_output: 6 }")
)
BLOBS = nets.random_blobs(NET)
RIGHT = {name: dict(arrays) for name, arrays in keras_weights(NET, nets.weights(BLOBS))}
SWAPPED = [0, 5, 2, 3, 4, 1, 6, 7]


def causes(layer: str, **changed: np.ndarray) -> tuple[Cause, ...]:
    """The causes that a layer of the converted net gets once some of its variables are changed."""
    model = nets.keras_model(NET, BLOBS)
    nets.fill(model, {layer: changed})
    rows = rows_of(NET, model, blobs=BLOBS)
    assert [name for name, row in rows.items() if row.status.fails] == [layer]
    return rows[layer].causes


def test_the_right_weights_have_no_causes() -> None:
    rows = rows_of(NET, nets.keras_model(NET, BLOBS), blobs=BLOBS)
    assert not any(row.status.fails or row.causes for row in rows.values())


@pytest.mark.parametrize(
    ("layer", "change", "code", "said"),
    [
        ("conv2", lambda k: k.swapaxes(0, 1), "weights.spatial_transpose", "with rows and columns exchanged"),
        ("conv2", lambda k: k[::-1, ::-1], "weights.flip", "rotated by 180°"),
        ("conv2", lambda k: k[::-1], "weights.flip", "turned upside down"),
        ("conv2", lambda k: k[:, ::-1], "weights.flip", "mirrored, left for right"),
        ("up", lambda k: k[::-1, ::-1], "weights.flip", "rotated by 180°"),
        ("depthwise", lambda k: k.swapaxes(0, 1), "weights.spatial_transpose", "with rows and columns exchanged"),
        ("conv2", lambda k: k.swapaxes(2, 3), "weights.channel_transpose", "with input and output channels exchanged"),
        ("conv2", lambda k: k[..., SWAPPED], "weights.permuted", "with its output channels 1 and 5 exchanged"),
        ("conv2", lambda k: k[:, :, SWAPPED], "weights.permuted", "with its input channels 1 and 5 exchanged"),
        (
            "conv1",
            lambda k: k[:, :, ::-1],
            "weights.permuted",
            "with its input channels 0 and 2 exchanged, as RGB for BGR",
        ),
        (
            "grouped",
            lambda k: k[..., [0, 4, 1, 5, 2, 6, 3, 7]],
            "weights.permuted",
            "with its output channels of 2 groups interleaved",
        ),
        ("conv2", lambda k: k * 1.5, "weights.scaled", "times 1.5"),
        ("conv2", lambda k: -k, "weights.scaled", "with the other sign"),
        (
            "conv2",
            lambda k: k * np.where(np.arange(8) == 3, 2, 1),
            "weights.scaled",
            "with output channel 3 times 2",
        ),
        ("conv2", lambda k: k.astype(np.float16), "precision", "rounded to float16"),
        (
            "fc",
            lambda k: BLOBS["fc"][0].T,
            "flatten.order",
            "in the order channels, rows, columns, where Keras flattens rows, columns, channels",
        ),
    ],
)
def test_what_was_done_to_the_kernel_is_said(
    layer: str, change: Callable[[np.ndarray], np.ndarray], code: str, said: str
) -> None:
    (cause,) = causes(layer, kernel=change(RIGHT[layer]["kernel"]))
    assert (cause.code, cause.proven, cause.summary) == (code, True, f"Keras' kernel is Caffe's {said}.")


def test_the_evidence_counts_and_the_fix_is_an_assignment() -> None:
    (cause,) = causes("conv2", kernel=RIGHT["conv2"]["kernel"].swapaxes(0, 1))
    assert (
        cause.evidence == "384 of 576 numbers of conv2's kernel differ."
    )  # all but the diagonals of 64 kernels of 3×3
    assert cause.fix == "conv2.kernel: conv2's blob 0, transpose(2, 3, 1, 0)"


def test_the_fix_of_a_flattened_kernel_reorders_its_rows() -> None:
    (cause,) = causes("fc", kernel=BLOBS["fc"][0].T)
    order = "reshape(-1, 8, 10, 8).transpose(0, 2, 3, 1), flattened to 6 rows and transposed"
    assert cause.fix == f"fc.kernel: fc's blob 0, {order}"


def test_an_inner_product_written_as_a_convolution() -> None:
    net = nets.single("InnerProduct", (2, 4, 5, 3), "inner_product_param { num_output: 7 }")
    blobs = nets.random_blobs(net)
    data = keras.Input((5, 3, 4), name="data")
    model = keras.Model(data, keras.layers.Conv2D(7, (5, 3), name="layer")(data))
    kernel = blobs["layer"][0].reshape(7, 4, 5, 3).transpose(2, 3, 1, 0)
    nets.fill(model, {"layer": {"kernel": kernel[::-1, ::-1], "bias": blobs["layer"][1]}})
    (cause,) = rows_of(net, model, blobs=blobs)["layer"].causes
    assert (cause.code, cause.proven) == ("weights.flip", True)


@pytest.mark.parametrize("kernel", ["right", "flipped"])
def test_groups_that_are_layers_of_their_own(kernel: str) -> None:
    net = nets.single("Convolution", (2, 4, 8, 8), "convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 2 }")
    blobs = nets.random_blobs(net)
    held = blobs["layer"][0].transpose(2, 3, 1, 0)
    data = keras.Input((8, 8, 4), name="data")
    halves = [keras.layers.Lambda(lambda x, at=at: x[..., at : at + 2])(data) for at in (0, 2)]
    parts = [keras.layers.Conv2D(3, 3, padding="same", name=f"part{n}")(half) for n, half in enumerate(halves)]
    model = keras.Model(data, keras.layers.Concatenate(name="layer")(parts))
    for n, outputs in enumerate((slice(0, 3), slice(3, 6))):
        one = held[..., outputs]
        bias = blobs["layer"][1][outputs]
        nets.fill(model, {f"part{n}": {"kernel": one if kernel == "right" else one[::-1, ::-1], "bias": bias}})
    found = rows_of(net, model, blobs=blobs)["layer"].causes
    assert [(cause.code, cause.proven) for cause in found] == ([] if kernel == "right" else [("weights.flip", True)])


def test_two_things_done_to_one_kernel_are_both_named() -> None:
    found = causes("conv2", kernel=2 * RIGHT["conv2"]["kernel"].swapaxes(0, 1)[::-1, ::-1])
    codes = [(cause.code, cause.proven) for cause in found]
    assert codes == [("weights.spatial_transpose", True), ("weights.flip", True), ("weights.scaled", True)]


def test_a_kernel_and_its_bias_may_each_be_wrong() -> None:
    found = causes("conv2", kernel=RIGHT["conv2"]["kernel"].swapaxes(0, 1), bias=np.zeros(8))
    assert [cause.code for cause in found] == ["weights.spatial_transpose", "bias.missing"]
    assert all(cause.proven for cause in found)


def test_channels_that_took_their_bias_along_are_one_cause() -> None:
    (cause,) = causes("conv2", kernel=RIGHT["conv2"]["kernel"][..., SWAPPED], bias=RIGHT["conv2"]["bias"][SWAPPED])
    assert (cause.code, cause.proven) == ("weights.permuted", True)


def test_the_other_layer_is_named() -> None:
    (cause,) = causes("conv2", **RIGHT["conv3"])
    assert (cause.code, cause.proven) == ("weights.of_other_layer", True)
    assert cause.summary == "Keras' kernel is that of conv3."
    assert cause.evidence == "all 576 numbers of it are conv3's, not conv2's."


@pytest.mark.parametrize("initializer", ["glorot_uniform", "he_normal"])
def test_a_layer_that_was_not_loaded(initializer: str) -> None:
    draw = keras.initializers.get({"class_name": initializer, "config": {"seed": 3}})
    (cause,) = causes("conv2", kernel=np.array(draw((3, 3, 8, 8))), bias=np.zeros(8))
    assert (cause.code, cause.proven) == ("weights.not_loaded", True)
    assert f"as {initializer} gives them; their correlation with Caffe's is" in cause.evidence


def test_a_single_wrong_number_is_found() -> None:
    kernel = RIGHT["conv2"]["kernel"].copy()
    kernel[2, 1, 4, 7] = 0.5
    (cause,) = causes("conv2", kernel=kernel)
    assert (cause.code, cause.proven) == ("weights.value", True)
    assert cause.summary == "1 of 576 numbers of Keras' kernel is wrong."
    assert cause.evidence.startswith("counted as in Caffe's blob, [7, 4, 2, 1] is 0.5, Caffe's ")


def test_a_kernel_that_is_slightly_off() -> None:
    noise = np.random.default_rng(5).normal(size=(3, 3, 8, 8)) * 1e-5
    (cause,) = causes("conv2", kernel=RIGHT["conv2"]["kernel"] + noise)
    assert (cause.code, cause.proven) == ("weights.value", True)
    sizes = [np.sqrt(np.mean(one**2)) for one in (noise, BLOBS["conv2"][0])]
    assert f"with an rms of {sizes[0]:.2g} where Caffe's have one of {sizes[1]:.2g}" in cause.evidence


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (lambda b: 0 * b, "bias.missing", "is zero"),
        (lambda b: -b, "bias.value", "is Caffe's with the other sign"),
        (lambda b: 3 * b, "bias.value", "is Caffe's times 3"),
        (lambda b: b[SWAPPED], "bias.value", "is Caffe's with its channels 1 and 5 exchanged"),
        (lambda b: RIGHT["conv1"]["bias"], "bias.value", "is that of conv1"),
        (lambda b: b + 0.25, "bias.value", "differs from Caffe's by up to 0.25"),
    ],
)
def test_what_is_wrong_with_the_bias_is_said(change: Callable[[np.ndarray], np.ndarray], code: str, said: str) -> None:
    (cause,) = causes("conv2", bias=change(RIGHT["conv2"]["bias"]))
    assert (cause.code, cause.proven, cause.summary) == (code, True, f"Keras' bias {said}.")
    assert cause.fix == "conv2.bias: conv2's blob 1"


def test_a_layer_without_a_bias() -> None:
    net = nets.single("Convolution", (1, 3, 6, 6), "convolution_param { num_output: 4 kernel_size: 3 }")
    blobs = nets.random_blobs(net)
    data = keras.Input((6, 6, 3), name="data")
    model = keras.Model(data, keras.layers.Conv2D(4, 3, use_bias=False, name="layer")(data))
    nets.fill(model, {"layer": {"kernel": blobs["layer"][0].transpose(2, 3, 1, 0)}})
    (cause,) = rows_of(net, model, blobs=blobs)["layer"].causes
    assert (cause.code, cause.proven, cause.fix) == ("bias.missing", True, "use_bias=True")


def test_a_bias_that_caffe_does_not_have() -> None:
    net = nets.single(
        "Convolution", (1, 3, 6, 6), "convolution_param { num_output: 4 kernel_size: 3 bias_term: false }"
    )
    blobs = nets.random_blobs(net)
    data = keras.Input((6, 6, 3), name="data")
    model = keras.Model(data, keras.layers.Conv2D(4, 3, name="layer")(data))
    nets.fill(model, {"layer": {"kernel": blobs["layer"][0].transpose(2, 3, 1, 0), "bias": np.arange(4.0)}})
    (cause,) = rows_of(net, model, blobs=blobs)["layer"].causes
    assert (cause.code, cause.proven, cause.fix) == ("bias.value", True, "use_bias=False")
    assert cause.summary == "Keras adds a bias, Caffe none."


def test_a_deconvolution_whose_groups_are_lost() -> None:
    kernel = RIGHT["up"]["kernel"]
    (cause,) = causes("up", kernel=np.where(kernel == 0, 0.1, kernel))
    assert (cause.code, cause.proven) == ("deconvolution.weights", True)
    assert cause.evidence == "896 numbers of up's kernel are not zero where Caffe's has none."  # 4·4·8·8 − 4·4·8
    assert cause.fix == "up.kernel: up's blob 0, transpose(2, 3, 1, 0), with zeros outside of its groups"


def test_a_bilinear_kernel_off_by_half_a_pixel() -> None:
    net = nets.single(
        "Deconvolution", (1, 1, 5, 5), "convolution_param { num_output: 1 kernel_size: 4 stride: 2 bias_term: false }"
    )
    (right, off) = (np.outer(one, one) for one in (np.array([1, 3, 3, 1]) / 4, np.array([2, 4, 2, 0]) / 4))
    data = keras.Input((5, 5, 1), name="data")
    model = keras.Model(data, keras.layers.Conv2DTranspose(1, 4, strides=2, use_bias=False, name="layer")(data))
    nets.fill(model, {"layer": {"kernel": off[..., None, None]}})
    blobs = {"layer": (right[None, None].astype(np.float32),)}
    (cause,) = rows_of(net, model, blobs=blobs)["layer"].causes
    assert (cause.code, cause.proven) == ("deconvolution.weights", True)
    assert "its weight is centred at (1.00, 1.00), Caffe's at (1.50, 1.50)" in cause.evidence


@pytest.mark.parametrize("group", [1, 3])
def test_a_deconvolution_that_still_interpolates_as_its_filler_has_it(group: int) -> None:
    """Though each channel that was learned is a multiple of it. Source of the numbers: BVLC Caffe 1.0, filler.hpp."""
    net = nets.single(
        "Deconvolution",
        (1, 3, 5, 5),
        f"convolution_param {{ num_output: 3 kernel_size: 4 stride: 2 bias_term: false group: {group} }}",
    )
    line = np.array([0.25, 0.75, 0.75, 0.25])
    filler = np.outer(line, line)[:, :, None, None] * np.eye(3)
    learned = filler * np.array([0.9, 1.02, 1.1])
    data = keras.Input((5, 5, 3), name="data")
    model = keras.Model(data, keras.layers.Conv2DTranspose(3, 4, strides=2, use_bias=False, name="layer")(data))
    nets.fill(model, {"layer": {"kernel": filler}})
    blob = learned.transpose(3, 2, 0, 1) if group == 1 else learned.sum(3)[None].transpose(3, 0, 1, 2)
    (cause,) = rows_of(net, model, blobs={"layer": (blob.astype(np.float32),)})["layer"].causes
    assert (cause.code, cause.proven) == ("deconvolution.weights", True)
    assert cause.summary == "Keras' kernel is the one that a bilinear filler makes."
    numbers = "48 of 144" if group == 1 else "48 of 48"
    assert cause.evidence == (
        f"{numbers} numbers of layer's kernel differ; each channel of Keras' interpolates between pixels, Caffe's has "
        "learned other numbers."
    )


def test_channels_of_a_deconvolution_that_interpolates_and_are_exchanged() -> None:
    """Each of them is what its filler makes; only where they stand is wrong."""
    net = nets.single(
        "Deconvolution", (1, 3, 5, 5), "convolution_param { num_output: 3 kernel_size: 4 stride: 2 bias_term: false }"
    )
    line = np.array([0.25, 0.75, 0.75, 0.25])
    filler = np.outer(line, line)[:, :, None, None] * np.eye(3)
    data = keras.Input((5, 5, 3), name="data")
    model = keras.Model(data, keras.layers.Conv2DTranspose(3, 4, strides=2, use_bias=False, name="layer")(data))
    nets.fill(model, {"layer": {"kernel": filler[:, :, [1, 0, 2]]}})
    (cause,) = rows_of(net, model, blobs={"layer": (filler.transpose(3, 2, 0, 1).astype(np.float32),)})["layer"].causes
    assert (cause.code, cause.proven) == ("weights.permuted", True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda terms: terms.reshape(3, 4, 5).transpose(0, 2, 1),
            "reshaped to (3, 4, 5) and transposed by (0, 2, 1), where Keras flattens rows, columns, channels",
        ),
        (
            lambda terms: terms.reshape(4, 5, 3).transpose(2, 1, 0),
            "reshaped to (4, 5, 3) and transposed by (2, 1, 0), where Keras flattens rows, columns, channels",
        ),
    ],
)
def test_terms_in_an_order_that_no_one_flattens_in(change: Callable[[np.ndarray], np.ndarray], said: str) -> None:
    net = nets.single("InnerProduct", (2, 4, 5, 3), "inner_product_param { num_output: 7 }")
    blobs = nets.random_blobs(net)
    data = keras.Input((5, 3, 4), name="data")
    model = keras.Model(data, keras.layers.Dense(7, name="layer")(keras.layers.Flatten()(data)))
    terms = change(np.arange(60)).reshape(-1)
    nets.fill(model, {"layer": {"kernel": blobs["layer"][0].T[terms], "bias": blobs["layer"][1]}})
    (cause,) = rows_of(net, model, blobs=blobs)["layer"].causes
    assert (cause.code, cause.proven) == ("flatten.order", True)
    assert cause.summary == f"Keras' kernel is Caffe's with its terms {said}."


def test_terms_in_no_order_of_axes_are_channels_permuted() -> None:
    net = nets.single("InnerProduct", (2, 4, 5, 3), "inner_product_param { num_output: 7 }")
    blobs = nets.random_blobs(net)
    data = keras.Input((5, 3, 4), name="data")
    model = keras.Model(data, keras.layers.Dense(7, name="layer")(keras.layers.Flatten()(data)))
    terms = np.arange(60).reshape(4, 5, 3).transpose(1, 2, 0).reshape(-1)[::-1]
    nets.fill(model, {"layer": {"kernel": blobs["layer"][0].T[terms], "bias": blobs["layer"][1]}})
    (cause,) = rows_of(net, model, blobs=blobs)["layer"].causes
    assert (cause.code, cause.proven) == ("weights.permuted", True)


# ------------------------------------------------------------------------ layers whose weights cannot be read


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (lambda k, b: (k, b), []),
        (lambda k, b: (k[::-1, ::-1], b), ["weights.flip"]),
        (lambda k, b: (k[:, :, [2, 1, 0]], b), ["weights.permuted"]),
        (lambda k, b: (k[..., SWAPPED], b[SWAPPED]), ["weights.permuted"]),
        (lambda k, b: (k, 0 * b), ["bias.missing"]),
        (lambda k, b: (k, -b), ["bias.value"]),
        (lambda k, b: (k.swapaxes(0, 1), 0 * b), ["weights.spatial_transpose", "bias.missing"]),
    ],
)
def test_a_kernel_inside_of_a_lambda_is_read_off_from_single_pixels(
    change: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]], codes: list[str], stride: int
) -> None:
    net = nets.single(
        "Convolution", (2, 3, 9, 9), f"convolution_param {{ num_output: 8 kernel_size: 3 stride: {stride} }}"
    )
    blobs = nets.random_blobs(net)
    kernel, bias = change(blobs["layer"][0].transpose(2, 3, 1, 0), blobs["layer"][1])

    def convolve(x):
        constants = [keras.ops.convert_to_tensor(np.ascontiguousarray(one), x.dtype) for one in (kernel, bias)]
        return keras.ops.conv(x, constants[0], stride, "valid") + constants[1]

    data = keras.Input((9, 9, 3), name="data")
    model = keras.Model(data, keras.layers.Lambda(convolve, name="layer")(data))
    found = rows_of(net, model, blobs=blobs)["layer"].causes
    assert {(cause.code, cause.proven) for cause in found} == {(code, True) for code in codes}
    assert all(cause.evidence.startswith("read off from what Keras gives for single pixels, ") for cause in found)


@pytest.mark.parametrize(
    ("order", "theirs"),
    [
        ((0, 3, 1, 2), None),
        ((0, 1, 2, 3), "rows, columns, channels"),
        ((0, 3, 2, 1), "channels, columns, rows"),
    ],
)
def test_what_a_lambda_does_before_it_is_flattened(order: tuple[int, ...], theirs: str | None) -> None:
    net = nets.single("InnerProduct", (2, 4, 5, 3), "inner_product_param { num_output: 7 }")
    blobs = nets.random_blobs(net)
    data = keras.Input((5, 3, 4), name="data")
    turned = keras.layers.Lambda(lambda x: keras.ops.transpose(x, order))(data)
    model = keras.Model(data, keras.layers.Dense(7, name="layer")(keras.layers.Flatten()(turned)))
    nets.fill(model, {"layer": {"kernel": blobs["layer"][0].T, "bias": blobs["layer"][1]}})
    found = rows_of(net, model, blobs=blobs)["layer"].causes
    said = f"Keras' kernel is Caffe's in the order channels, rows, columns, where Keras flattens {theirs}."
    assert [(cause.code, cause.proven, cause.summary) for cause in found] == (
        [("flatten.order", True, said)] if theirs else []
    )
