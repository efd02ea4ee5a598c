"""Kernels, flattened blobs, softmax and crops, as they were met."""

from benchmarks.bugs.met import conv, layer, met

FOUND = (
    met(
        "keras-team/keras#3015",
        "318 254 103 for 131 116 153: Theano turns the kernel",
        {"weights.flip": "conv"},
        (3, 24, 24),
        conv("conv", "data", "num_output: 8 kernel_size: 3"),
        'x = layers.Conv2D(8, 3, name="conv")(image)',
        ('    change(model, "conv", lambda k, b: (k[::-1, ::-1], b))\n', ""),
        then='change(model, "conv", lambda k, b: (k[::-1, ::-1], b))',
    ),
    met(
        "microsoft/MMdnn#250",
        "the same numbers behind the flatten, in another order",
        {"flatten.order": "fc"},
        (3, 24, 24),
        conv("conv", "data", "num_output: 8 kernel_size: 3 stride: 4")
        + layer("fc", "InnerProduct", "conv", "inner_product_param { num_output: 12 }"),
        'x = layers.Conv2D(8, 3, strides=4, name="conv")(image)\n'
        "x = layers.Flatten()(x)\n"
        'x = layers.Dense(12, name="fc")(x)',
        ("__file__)", '__file__, flattened={"fc": (8, 6, 6)})'),
    ),
    met(
        "keras-team/keras#8841",
        "axis −1 is the width of a blob with its channels first",
        {"softmax.axis": "prob"},
        (3, 24, 24),
        conv("score", "data", "num_output: 5 kernel_size: 3") + layer("prob", "Softmax", "score"),
        'x = layers.Conv2D(5, 3, name="score")(image)\nx = layers.Softmax(axis=2, name="prob")(x)',
        ("axis=2, ", ""),
    ),
    met(
        "shelhamer/fcn.berkeleyvision.org#5",
        "568 → 500: 34, as if central, for 31",
        {"crop.offset": "score"},
        (3, 60, 60),
        conv("up", "data", "num_output: 4 kernel_size: 1 pad: 34")
        + layer("score", "Crop", "up data", "crop_param { axis: 2 offset: 31 }"),
        'x = layers.Conv2D(4, 1, name="up")(layers.ZeroPadding2D(34)(image))\n'
        'x = layers.Cropping2D(34, name="score")(x)',
        ("Cropping2D(34, ", "Cropping2D(((31, 37), (31, 37)), "),
    ),
    met(
        "apache/mxnet#2925",
        "FCN-32s is cut at 34 where the original has 19",
        {"crop.offset": "score"},
        (3, 48, 48),
        conv("up", "data", "num_output: 4 kernel_size: 1 pad: 32")
        + layer("score", "Crop", "up data", "crop_param { axis: 2 offset: 19 }"),
        'x = layers.Conv2D(4, 1, name="up")(layers.ZeroPadding2D(32)(image))\n'
        'x = layers.Cropping2D(((34, 30), (34, 30)), name="score")(x)',
        ("((34, 30), (34, 30))", "((19, 45), (19, 45))"),
    ),
    met(
        "microsoft/MMdnn#735",
        "16×16 in, kernel 4, stride 2, pad 1: 18 for 15",
        {"deconvolution.crop": "deconv"},
        (3, 16, 16),
        layer(
            "deconv",
            "Deconvolution",
            "data",
            "convolution_param { num_output: 16 bias_term: false pad: 1 kernel_size: 4 stride: 2 }",
        ),
        'x = layers.Conv2DTranspose(16, 4, strides=2, use_bias=False, name="deconv")(image)',
        ('strides=2, use_bias=False, name="deconv"', 'strides=2, padding="same", use_bias=False, name="deconv"'),
    ),
    met(
        "BVLC/caffe#2213",
        "the filler fills every pair of channels, not the diagonal",
        {"deconvolution.weights": "up"},
        (3, 16, 16),
        layer(
            "up",
            "Deconvolution",
            "data",
            "convolution_param { num_output: 3 group: 3 bias_term: false pad: 1 kernel_size: 4 stride: 2 "
            'weight_filler { type: "bilinear" } }',
        ),
        'x = layers.Conv2DTranspose(3, 4, strides=2, padding="same", use_bias=False, name="up")(image)',
        ('    change(model, "up", lambda k: np.repeat(k.sum(3, keepdims=True), 3, 3))\n', ""),
        then='change(model, "up", lambda k: np.repeat(k.sum(3, keepdims=True), 3, 3))',
    ),
    met(
        "bonlime/keras-deeplab-v3-plus#49",
        "the weights want align_corners",
        {"interpolation": "up"},
        (3, 17, 17),
        layer("up", "Interp", "data", "interp_param { height: 65 width: 65 }"),
        'x = layers.Lambda(lambda x: tf.image.resize(x, (65, 65)), name="up")(image)',
        ("tf.image.resize(x, (65, 65))", "tf.raw_ops.ResizeBilinear(images=x, size=(65, 65), align_corners=True)"),
    ),
    met(
        "aurora95/Keras-FCN#1",
        "UpSampling2D takes the nearest",
        {"interpolation": "up"},
        (3, 13, 13),
        layer("up", "Interp", "data", "interp_param { height: 26 width: 26 }"),
        'x = layers.UpSampling2D(2, name="up")(image)',
        (
            'layers.UpSampling2D(2, name="up")',
            'layers.Lambda(lambda x: tf.raw_ops.ResizeBilinear(images=x, size=(26, 26), align_corners=True), name="up")',
        ),
    ),
)
NETS = [net for net, _ in FOUND]
BUGS = [bug for _, bug in FOUND]
