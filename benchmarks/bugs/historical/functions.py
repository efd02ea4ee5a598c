"""Activations, sums and powers, as they were met."""

from benchmarks.bugs.met import conv, layer, met

CONV = conv("conv", "data", "num_output: 8 kernel_size: 3")
KERAS = 'x = layers.Conv2D(8, 3, name="conv")(image)\n'

FOUND = (
    met(
        "microsoft/MMdnn#914",
        "a ReLU with negative_slope comes out as a ReLU",
        {"activation.slope": "relu"},
        (3, 24, 24),
        CONV + layer("relu", "ReLU", "conv", "relu_param { negative_slope: 0.1 }"),
        KERAS + 'x = layers.ReLU(name="relu")(x)',
        ("layers.ReLU(name", "layers.LeakyReLU(negative_slope=0.1, name"),
    ),
    met(
        "Dobiasd/frugally-deep#446",
        "0.3 for 0.2",
        {"activation.slope": "relu"},
        (3, 24, 24),
        CONV + layer("relu", "ReLU", "conv", "relu_param { negative_slope: 0.2 }"),
        KERAS + 'x = layers.LeakyReLU(negative_slope=0.3, name="relu")(x)',
        ("0.3", "0.2"),
    ),
    met(
        "keras-team/keras#13543",
        "alpha has the shape of its input",
        {"prelu.shared": "prelu"},
        (3, 16, 16),
        CONV + layer("prelu", "PReLU", "conv"),
        KERAS + 'x = layers.PReLU(name="prelu")(x)',
        ("PReLU(name", "PReLU(shared_axes=[1, 2], name"),
        ('    change(model, "prelu", lambda a: np.repeat(a[0, 0], 14 * 14).reshape(a.shape))\n', ""),
        then='change(model, "prelu", lambda a: np.repeat(a[0, 0], 14 * 14).reshape(a.shape))',
    ),
    met(
        "htshinichi/caffe-onnx#3",
        "every slope is 0.25, whatever the caffemodel says",
        {"weights.not_loaded": "prelu"},
        (3, 16, 16),
        CONV + layer("prelu", "PReLU", "conv"),
        KERAS + 'x = layers.PReLU(shared_axes=[1, 2], name="prelu")(x)',
        ('    change(model, "prelu", lambda a: 0 * a + 0.25)\n', ""),
        then='change(model, "prelu", lambda a: 0 * a + 0.25)',
    ),
    met(
        "lmb-freiburg/flownet2#148",
        "0.00392156862745 is a coefficient of SUM",
        {"eltwise.coefficient": "eltwise1"},
        (3, 24, 24),
        conv("conv", "data", "num_output: 3 kernel_size: 1")
        + layer(
            "eltwise1", "Eltwise", "data conv", "eltwise_param { operation: SUM coeff: 0.00392156862745 coeff: 1 }"
        ),
        'x = layers.Conv2D(3, 1, name="conv")(image)\nx = layers.Add(name="eltwise1")([image, x])',
        (
            'layers.Add(name="eltwise1")([image, x])',
            'layers.Lambda(lambda pair: 0.00392156862745 * pair[0] + pair[1], name="eltwise1")([image, x])',
        ),
    ),
    met(
        "intel/ipex-llm#1723",
        "the second coefficient is read wrongly: −1 becomes 1",
        {"eltwise.coefficient": "difference"},
        (3, 24, 24),
        conv("a", "data", "num_output: 4 kernel_size: 3")
        + conv("b", "data", "num_output: 4 kernel_size: 3")
        + layer("difference", "Eltwise", "a b", "eltwise_param { operation: SUM coeff: 1 coeff: -1 }"),
        'a = layers.Conv2D(4, 3, name="a")(image)\n'
        'b = layers.Conv2D(4, 3, name="b")(image)\n'
        'x = layers.Add(name="difference")([a, b])',
        ("layers.Add", "layers.Subtract"),
    ),
    met(
        "apache/tvm#9655",
        "(shift + scale · x) ^ power, each of them left out where it is the default",
        {"power": "power"},
        (3, 24, 24),
        layer("power", "Power", "data", "power_param { power: 2 scale: 0.01 shift: 1 }"),
        'x = layers.Lambda(lambda x: 1 + (0.01 * x) ** 2, name="power")(image)',
        ("1 + (0.01 * x) ** 2", "(1 + 0.01 * x) ** 2"),
    ),
    met(
        "tiny-dnn/tiny-dnn#357",
        "scale 0.0125 is not there yet",
        {"power": "scale"},
        (3, 28, 28),
        layer("scale", "Power", "data", "power_param { scale: 0.0125 }")
        + conv("conv1", "scale", "num_output: 20 kernel_size: 5"),
        'x = layers.Lambda(lambda x: x, name="scale")(image)\nx = layers.Conv2D(20, 5, name="conv1")(x)',
        ("lambda x: x,", "lambda x: 0.0125 * x,"),
    ),
    met(
        "ShaoqingRen/faster_rcnn#14",
        "scale_train: who scales, training or testing",
        {"dropout.scale": "conv+drop+fc"},
        (3, 16, 16),
        CONV
        + layer("drop", "Dropout", "conv", "dropout_param { dropout_ratio: 0.5 }", top="conv")
        + layer("fc", "InnerProduct", "conv", "inner_product_param { num_output: 6 }"),
        KERAS
        + (
            "x = layers.Lambda(lambda x: x * 0.5)(x)\n"
            "x = layers.Permute((3, 1, 2))(x)\n"
            "x = layers.Flatten()(x)\n"
            'x = layers.Dense(6, name="fc")(x)'
        ),
        ("x = layers.Lambda(lambda x: x * 0.5)(x)\n    ", ""),
    ),
)
NETS = [net for net, _ in FOUND]
BUGS = [bug for _, bug in FOUND]
