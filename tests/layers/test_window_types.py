"""What SPP, Im2col, Upsample, Interp and the depthwise types refuse, and what they become in Keras."""

from __future__ import annotations

import numpy as np
import pytest
from support import nets
from support.held import last
from support.verdicts import judge_pair

from harness.convert.plan import plan
from harness.convert.source import write_source
from harness.data import LayerComparison, Status
from harness.errors import UnsupportedError
from harness.layers import layer_type
from harness.layers.shapes import infer_shapes

PICTURE = (1, 4, 5, 5)


def text(kind: str, shapes: tuple[tuple[int, ...], ...], parameters: str, tops: int = 1) -> str:
    names = [f"data{index or ''}" for index in range(len(shapes))]
    reads = " ".join(f'bottom: "{name}"' for name in names)
    makes = " ".join(f'top: "top{index or ""}"' for index in range(tops))
    inputs = "".join(nets.data(*shape, name=name) for name, shape in zip(names, shapes, strict=True))
    return inputs + f'layer {{ name: "layer" type: "{kind}" {reads} {makes} {parameters} }}\n'


@pytest.mark.parametrize(
    ("kind", "shapes", "parameters", "said"),
    [
        ("SPP", (PICTURE,), "", "no pyramid_height\n  → give pyramid_height: 1 or more"),
        (
            "SPP",
            (PICTURE,),
            "spp_param { pyramid_height: 3 }",
            "pad is as large as the kernel, which Caffe refuses too",
        ),
        ("SPP", (PICTURE,), "spp_param { pyramid_height: 1 pool: STOCHASTIC }", "STOCHASTIC pooling draws at random"),
        (
            "SPP",
            (PICTURE, PICTURE),
            "spp_param { pyramid_height: 1 }",
            "reads 2 blobs; SPP reads 1\n  → leave the others",
        ),
        ("SPP", ((2, 3),), "spp_param { pyramid_height: 1 }", "reads a blob of 2 axes: Caffe takes N, C, H, W"),
        ("Im2col", (PICTURE,), "convolution_param { kernel_size: 6 }", "a window of 6×6 does not fit into"),
        ("Im2col", (PICTURE,), "convolution_param { kernel_size: 2 axis: 2 }", "axis 2: only axis 1 is supported"),
        (
            "Im2col",
            ((2, 3),),
            "convolution_param { kernel_size: 2 }",
            "reads a blob of 2 axes: only N, C and one to three",
        ),
        (
            "Upsample",
            (PICTURE,),
            "",
            "reads 1 blob; SegNet's Upsample reads the numbers and the mask of a MAX pooling\n",
        ),
        (
            "Upsample",
            (PICTURE,),
            "",
            "  → other forks' Upsample, which repeats pixels, is not known: write a Deconvolution",
        ),
        ("Upsample", (PICTURE,) * 3, "", "reads 3 blobs; Upsample reads 2\n  → leave the others out"),
        (
            "Upsample",
            (PICTURE, (1, 4, 5, 6)),
            "",
            "the mask is 1×4×5×6, the numbers are 1×4×5×5; Caffe wants them alike\n",
        ),
        (
            "Upsample",
            (PICTURE,) * 2,
            "upsample_param { scale: 1 }",
            "scale is 1×1; Caffe wants 2 or more\n  → give",
        ),
        (
            "Upsample",
            (PICTURE,) * 2,
            "upsample_param { scale_h: 2 }",
            "scale_h and scale_w go together, and without scale",
        ),
        (
            "Upsample",
            (PICTURE,) * 2,
            "upsample_param { scale: 3 pad_out_h: true }",
            "pad_out_h and pad_out_w go with a scale of 2 only",
        ),
        (
            "Upsample",
            (PICTURE,) * 2,
            "upsample_param { upsample_h: 1 upsample_w: 9 }",
            "upsample_h and upsample_w are 1×9; Caffe wants 2 or more",
        ),
        ("Interp", (PICTURE,), "", "no size\n  → give height and width, or zoom_factor or shrink_factor"),
        ("Interp", (PICTURE,), "interp_param { height: 3 }", "no size\n"),
        ("Interp", (PICTURE,), "interp_param { height: 0 width: 3 }", "height 0 and width 3: Caffe wants 1 or more"),
        ("Interp", (PICTURE,), "interp_param { zoom_factor: 0 }", "zoom_factor 0 and shrink_factor 1: Caffe wants 1"),
        (
            "Interp",
            (PICTURE,),
            "interp_param { zoom_factor: 2 pad_beg: 1 }",
            "pad_beg 1 and pad_end 0: Caffe only crops",
        ),
        (
            "Interp",
            (PICTURE,),
            "interp_param { zoom_factor: 2 pad_beg: -5 }",
            "pad_beg -5 and pad_end 0 leave nothing of",
        ),
        (
            "Interp",
            (PICTURE,) * 2,
            "interp_param { zoom_factor: 2 }",
            "a second bottom gives the size, and so do",
        ),
        ("Interp", (PICTURE,) * 3, "", "reads 3 blobs; Interp reads 1 or 2\n  → leave the others out"),
        (
            "ConvolutionDepthwise",
            (PICTURE,),
            "convolution_param { num_output: 8 kernel_size: 3 }",
            "num_output 8 over 4 channels: ConvolutionDepthwise has one filter for each channel\n"
            '  → write num_output: 4, or type: "Convolution"',
        ),
        (
            "DepthwiseConvolution",
            (PICTURE,),
            "convolution_param { num_output: 4 group: 2 kernel_size: 3 }",
            "group 2 over 4 channels: DepthwiseConvolution has one filter for each channel\n"
            '  → write group: 4, or type: "Convolution"',
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_a_way_out(kind: str, shapes, parameters: str, said: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        infer_shapes(nets.network(text(kind, shapes, parameters)))
    assert said in str(caught.value)
    assert f"deploy.prototxt:{len(shapes) + 1}, layer 'layer': " in str(caught.value)


def test_a_mask_that_speaks_of_a_place_outside_is_named() -> None:
    net = nets.network(text("Upsample", ((1, 1, 2, 2),) * 2, "upsample_param { upsample_h: 3 upsample_w: 4 }"))
    x, mask = np.ones((1, 1, 2, 2), np.float32), np.array([0, 5, 12, 2], np.float32).reshape(1, 1, 2, 2)
    with pytest.raises(UnsupportedError) as caught:
        layer_type(net["layer"]).define(net["layer"], (), [x, mask], nets.all_sites((1, 1, 3, 4)))
    assert str(caught.value).endswith(
        "layer 'layer': the mask speaks of place 12 in a plane of 3×4\n"
        "  → give upsample_h and upsample_w as what the pooling of this mask read"
    )


@pytest.mark.parametrize(
    ("kind", "shapes", "parameters", "expected"),
    [
        ("SPP", (PICTURE,), "spp_param { pyramid_height: 1 pool: AVE }", "GlobalAveragePooling2D(keepdims=True)"),
        ("SPP", ((1, 4, 8, 8),), "spp_param { pyramid_height: 3 }", "SpatialPyramidPooling(height=3)"),
        ("SPP", (PICTURE,), "spp_param { pyramid_height: 2 pool: AVE }", "SpatialPyramidPooling(height=2, pool='average')"),
        ("Im2col", (PICTURE,), "convolution_param { kernel_size: 3 pad: 1 }", "Im2col(kernel_size=3, padding=1)"),
        ("Upsample", (PICTURE,) * 2, "", "Unpooling(scale=2)"),
        ("Upsample", (PICTURE,) * 2, "upsample_param { scale_h: 2 scale_w: 3 }", "Unpooling(scale=(2, 3))"),
        ("Upsample", (PICTURE,) * 2, "upsample_param { pad_out_w: true }", "Unpooling(size=(10, 9))"),
        ("Interp", (PICTURE,), "interp_param { zoom_factor: 8 pad_end: -1 }", "Interp(zoom_factor=8, pad_end=-1)"),
        ("Interp", (PICTURE,), "interp_param { height: 7 width: 9 }", "Interp(height=7, width=9)"),
        ("Interp", (PICTURE, (1, 2, 8, 6)), "", "Interp(height=8, width=6)"),
        ("ConvolutionDepthwise", (PICTURE,), "convolution_param { kernel_size: 3 }", "DepthwiseConv2D(kernel_size=3)"),
    ],
)  # fmt: skip
def test_what_they_become(kind: str, shapes, parameters: str, expected: str) -> None:
    (step,) = plan(nets.network(text(kind, shapes, parameters))).steps
    arguments = ", ".join(f"{key}={value!r}" for key, value in step.call.arguments.items())
    assert f"{step.call.class_name}({arguments})" == expected


@pytest.mark.parametrize(
    ("kind", "shape", "parameters", "keras_class", "expected"),
    [
        ("Convolution", (1, 6, 5, 5), "num_output: 9 group: 3 kernel_h: 3 kernel_w: 2", "Conv2D", (3, 2, 2, 9)),
        (
            "Convolution",
            (1, 3, 5, 5),
            "num_output: 6 group: 3 kernel_h: 3 kernel_w: 2",
            "DepthwiseConv2D",
            (3, 2, 3, 2),
        ),
        ("Convolution", (1, 3, 5, 5), "num_output: 6 group: 3 kernel_h: 3 kernel_w: 2", "Conv2D", (3, 2, 1, 6)),
        ("Convolution", (1, 4, 5, 5), "num_output: 6 kernel_size: 1", "Dense", (4, 6)),
        ("Convolution", (1, 4, 5, 5), "num_output: 6 group: 2 kernel_size: 1", "Dense", (4, 6)),
        ("Convolution", (1, 4, 3, 2), "num_output: 6 kernel_h: 3 kernel_w: 2", "Dense", (24, 6)),
        ("Deconvolution", (1, 4, 5, 5), "num_output: 6 group: 2 kernel_size: 3", "Conv2DTranspose", (3, 3, 6, 4)),
        (
            "Deconvolution",
            (1, 4, 5, 5),
            "num_output: 8 group: 4 kernel_size: 3",
            "DepthwiseConv2DTranspose",
            (3, 3, 4, 2),
        ),
    ],
)
def test_the_kernel_in_the_shape_that_a_class_takes(kind, shape, parameters, keras_class, expected) -> None:
    net = nets.single(kind, shape, f"convolution_param {{ {parameters} bias_term: false }}")
    layer, blobs = net["layer"], nets.random_blobs(net)["layer"]
    weights = layer_type(layer).keras_weights(layer, blobs, last(shape), keras_class)
    assert {name: array.shape for name, array in weights.items()} == {"kernel": expected}


def judged_port(net, make_layers) -> LayerComparison:
    """What the comparison says of a hand-written port with the weights in it, held against the definition."""
    from harness.extras import import_keras

    keras = import_keras()
    layer, blobs, inputs = net["layer"], nets.random_blobs(net), nets.random_inputs(net)
    ((top, x),) = inputs.items()
    model = keras.Sequential([keras.Input((*x.shape[2:], x.shape[1])), *make_layers(keras.layers)])
    main = model.layers[-1]
    weights = layer_type(layer).keras_weights(layer, blobs["layer"], last(x.shape), type(main).__name__)
    nets.fill(model, {main.name: weights})
    reference = nets.define_all(net, blobs, inputs)[layer.tops[0]].astype(np.float32)
    return judge_pair(net, model, blobs, {top: x}, reference, strict=True)


@pytest.mark.parametrize(
    ("shape", "parameters", "layers"),
    [
        ((2, 3, 6, 5), "num_output: 6 group: 3 kernel_size: 3", lambda layers: [layers.Conv2D(6, 3, groups=3)]),
        ((2, 4, 3, 5), "num_output: 6 kernel_size: 1", lambda layers: [layers.Dense(6)]),
        ((2, 4, 3, 5), "num_output: 6 group: 2 kernel_size: 1", lambda layers: [layers.Dense(6)]),
        ((2, 4, 3, 5), "num_output: 6 kernel_h: 3 kernel_w: 5", lambda layers: [layers.Flatten(), layers.Dense(6)]),
    ],
    ids=["grouped for depthwise", "dense for 1×1", "dense for 1×1 in groups", "dense for the whole picture"],
)
def test_what_a_person_may_write_for_a_convolution(shape, parameters: str, layers) -> None:
    row = judged_port(nets.single("Convolution", shape, f"convolution_param {{ {parameters} }}"), layers)
    assert (row.status, row.note, row.judged_by) == (Status.MATCH, None, "float64")


ENCODER_DECODER = (
    nets.data(1, 3, 9, 12)
    + nets.conv("data", "conv1", "num_output: 4 kernel_size: 3 pad: 1")
    + nets.relu("conv1")
    + """layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" top: "pool1_mask"
          pooling_param { kernel_size: 2 stride: 2 } }
        layer { name: "upsample1" type: "Upsample" bottom: "pool1" bottom: "pool1_mask" top: "upsample1"
          upsample_param { upsample_h: 9 upsample_w: 12 } }
        """
    + nets.conv("upsample1", "conv2", "num_output: 2 kernel_size: 3 stride: 2 dilation: 3")
    + nets.layer("Pooling", "conv2", "pool2", "pooling_param { pool: AVE kernel_size: 2 pad: 1 }")
)


def test_source_of_a_pooling_with_mask_and_its_unpooling() -> None:
    net = nets.network(ENCODER_DECODER)
    source = write_source(plan(net))
    body = source.partition("def get_model")[2]
    assert "from harness.keras_layers import AveragePooling, MaxPoolingWithMask, Unpooling\n" in source
    assert body == (
        "(input_shape=(9, 12, 3)):\n"
        '    data = keras.Input(input_shape, name="data")\n'
        '    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv1")(data)\n'
        '    pool1_1, pool1_2 = MaxPoolingWithMask(2, strides=2, name="pool1")(x)\n'
        '    x = Unpooling(size=(9, 12), name="upsample1")([pool1_1, pool1_2])\n'
        '    x = layers.Conv2D(2, 3, dilation_rate=3, name="conv2")(x)\n'
        "    x = layers.AveragePooling2D(1, strides=2)(x)"
        "  # the rest of stride 2 with dilation 3, of which Conv2D takes one\n"
        '    pool2 = AveragePooling(2, strides=1, padding=1, name="pool2")(x)\n'
        '    return keras.Model(data, pool2, name="net")\n'
    )


def test_it_computes_what_caffe_defines() -> None:
    net = nets.network(ENCODER_DECODER)
    blobs, inputs = nets.random_blobs(net), nets.random_inputs(net)
    (computed,) = nets.run_keras(net, blobs, inputs)
    expected = next(top for key, top in nets.define_all(net, blobs, inputs).items() if key.layer == "pool2")
    np.testing.assert_allclose(computed, np.moveaxis(expected, 1, -1), rtol=1e-4, atol=1e-5)
