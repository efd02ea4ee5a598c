"""BatchNorm, Scale and LRN, as they were met."""

from benchmarks.bugs.met import conv, layer, met

CONV = conv("conv1", "data", "num_output: 16 kernel_size: 3 stride: 2 bias_term: false")
NORM = layer("bn", "BatchNorm", "conv1", "batch_norm_param { use_global_stats: true }", top="conv1")
SCALE = layer("scale", "Scale", "conv1", "scale_param { bias_term: true }", top="conv1")
PORT = (
    'x = layers.Conv2D(16, 3, strides=2, use_bias=False, name="conv1")(image)\n'
    'x = layers.BatchNormalization(epsilon=1e-5, {}name="bn")(x)'
)
BARE = PORT.format("center=False, scale=False, ")
UNDIVIDED = 'change(model, "bn", lambda mean, variance: (mean * 999.9823, variance * 999.9823))'
SHAPE = (3, 33, 33)
LRN = "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"
TF = 'x = layers.Lambda(lambda x: tf.nn.local_response_normalization(x, {}), name="norm1")(image)'
RIGHT = "2, 1.0, 1e-4 / 5, 0.75"

FOUND = (
    met(
        "BVLC/caffe#4885",
        "(x − mean) / sqrt(variance + eps) is not what Caffe gives",
        {"batch_norm.scale_factor": "bn"},
        SHAPE,
        CONV + NORM,
        BARE,
        (f"    {UNDIVIDED}\n", ""),
        then=UNDIVIDED,
    ),
    met(
        "pierluigiferrari/caffe_weight_converter#7",
        "mean / weights[2] is what should be there",
        {"batch_norm.scale_factor": "bn+scale"},
        SHAPE,
        CONV + NORM + SCALE,
        PORT.format(""),
        ('    change(model, "bn", lambda g, b, m, v: (g, b, m * 999.9823, v * 999.9823))\n', ""),
        load='scales={"bn": "scale"}',
        then='change(model, "bn", lambda g, b, m, v: (g, b, m * 999.9823, v * 999.9823))',
    ),
    met(
        "apache/mxnet#6176",
        "the third blob was taken for the moving average's fraction",
        {"batch_norm.scale_factor": "bn"},
        SHAPE,
        CONV + NORM,
        BARE,
        ('    change(model, "bn", lambda m, v: (m * 999.9823 * 0.999, v * 999.9823 * 0.999))\n', ""),
        then='change(model, "bn", lambda m, v: (m * 999.9823 * 0.999, v * 999.9823 * 0.999))',
    ),
    met(
        "qqwweee/keras-yolo3#451",
        "1e-3 in Keras, 1e-5 in the original",
        {"batch_norm.epsilon": "bn+scale"},
        SHAPE,
        CONV + NORM + SCALE,
        PORT.format("").replace("epsilon=1e-5, ", ""),
        ('BatchNormalization(name="bn")', 'BatchNormalization(epsilon=1e-5, name="bn")'),
        load='scales={"bn": "scale"}',
    ),
    met(
        "Vladkryvoruchko/PSPNet-Keras-tensorflow#31",
        "mean, variance, scale, offset for scale, offset, mean, variance",
        {"batch_norm.order": "bn+scale"},
        SHAPE,
        CONV + NORM + SCALE,
        PORT.format(""),
        ('    change(model, "bn", lambda g, b, m, v: (m, np.abs(v), g, np.abs(b)))\n', ""),
        load='scales={"bn": "scale"}',
        then='change(model, "bn", lambda g, b, m, v: (m, np.abs(v), g, np.abs(b)))',
    ),
    met(
        "flyyufelix/DenseNet-Keras#5",
        "what is the Scale behind BatchNormalization for?",
        {"scale.missing": "scale"},
        SHAPE,
        CONV + NORM + SCALE,
        BARE,
        ("center=False, scale=False, ", ""),
        ("__file__)", '__file__, scales={"bn": "scale"})'),
    ),
    met(
        "liuzhuang13/DenseNetCaffe#2",
        "gamma is there, beta is not",
        {"scale.bias": "bn+scale"},
        SHAPE,
        CONV + NORM + SCALE,
        PORT.format(""),
        ('    change(model, "bn", lambda g, b, m, v: (g, 0 * b, m, v))\n', ""),
        load='scales={"bn": "scale"}',
        then='change(model, "bn", lambda g, b, m, v: (g, 0 * b, m, v))',
    ),
    met(
        "heuritech/convnets-keras#6",
        "alpha is not divided by n = 5",
        {"lrn.alpha": "norm1"},
        SHAPE,
        layer("norm1", "LRN", "data", LRN),
        TF.format("2, 1.0, 1e-4, 0.75"),
        ("2, 1.0, 1e-4, 0.75", RIGHT),
    ),
    met(
        "alibaba/MNN#192",
        "depth_radius is a radius: 2 · 5 + 1 channels for 5",
        {"lrn.size": "norm1"},
        (16, 12, 12),
        layer("norm1", "LRN", "data", LRN),
        TF.format("5, 1.0, 1e-4 / 5, 0.75"),
        ("5, 1.0, 1e-4 / 5, 0.75", RIGHT),
    ),
    met(
        "BVLC/caffe#1453",
        "k is 2 in the paper and 1 in the prototxt",
        {"lrn.bias": "norm1"},
        SHAPE,
        layer("norm1", "LRN", "data", LRN),
        TF.format("2, 2.0, 1e-4 / 5, 0.75"),
        ("2, 2.0, 1e-4 / 5, 0.75", RIGHT),
    ),
    met(
        "apache/mxnet#4317",
        "a region within the channel, not across",
        {"lrn.region": "norm1"},
        SHAPE,
        layer(
            "norm1", "LRN", "data", "lrn_param { local_size: 3 alpha: 0.0001 beta: 0.75 norm_region: WITHIN_CHANNEL }"
        ),
        TF.format("1, 1.0, 1e-4 / 3, 0.75"),
        ("tf.nn.local_response_normalization(x, 1, 1.0, 1e-4 / 3, 0.75)", "x / (1 + 1e-4 * box(x * x)) ** 0.75"),
        more=(
            "def box(x):\n"
            "    padded = tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))\n"
            "    return tf.nn.avg_pool2d(padded, 3, 1, 'VALID')"
        ),
    ),
)
NETS = [net for net, _ in FOUND]
BUGS = [bug for _, bug in FOUND]
