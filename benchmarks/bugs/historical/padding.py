"""Padding and dilation, as they were met."""

from benchmarks.bugs.met import conv, layer, met

CONV1 = conv("conv1", "data", "num_output: 16 kernel_size: 7 stride: 2 pad: 3")
SAME7 = 'x = layers.Conv2D(16, 7, strides=2, padding="same", name="conv1")(image)'
PAD7 = 'x = layers.Conv2D(16, 7, strides=2, name="conv1")(layers.ZeroPadding2D(3)(image))'

FOUND = (
    met(
        "taehoonlee/tensornets#25",
        "224 → 112: padded (2, 3) where Caffe pads (3, 3)",
        {"padding.same": "conv1"},
        (3, 224, 224),
        CONV1,
        SAME7,
        (SAME7, PAD7),
    ),
    met(
        "ethereon/caffe-tensorflow#98",
        "GoogLeNet's first layer differs with pad 3 and agrees with pad 0",
        {"padding.same": "conv1/7x7_s2+conv1/relu_7x7"},
        (3, 224, 224),
        conv("conv1/7x7_s2", "data", "num_output: 16 kernel_size: 7 stride: 2 pad: 3")
        + layer("conv1/relu_7x7", "ReLU", "conv1/7x7_s2", top="conv1/7x7_s2"),
        'x = layers.Conv2D(16, 7, strides=2, padding="same", activation="relu", name="conv1__7x7_s2")(image)',
        (
            'layers.Conv2D(16, 7, strides=2, padding="same", activation="relu", name="conv1__7x7_s2")(image)',
            'layers.Conv2D(16, 7, strides=2, activation="relu", name="conv1__7x7_s2")(layers.ZeroPadding2D(3)(image))',
        ),
    ),
    met(
        "tensorflow/tensorflow#10747",
        "fails with stride 2, succeeds with stride 1",
        {"padding.same": "conv_b"},
        (3, 32, 32),
        conv("conv_a", "data", "num_output: 8 kernel_size: 3 stride: 1 pad: 1")
        + conv("conv_b", "conv_a", "num_output: 8 kernel_size: 3 stride: 2 pad: 1"),
        'x = layers.Conv2D(8, 3, padding="same", name="conv_a")(image)\n'
        'x = layers.Conv2D(8, 3, strides=2, padding="same", name="conv_b")(x)',
        (
            'layers.Conv2D(8, 3, strides=2, padding="same", name="conv_b")(x)',
            'layers.Conv2D(8, 3, strides=2, name="conv_b")(layers.ZeroPadding2D(1)(x))',
        ),
    ),
    met(
        "microsoft/MMdnn#153",
        "MobileNet v2's first layer, 224 → 112: (0, 1) where Caffe has (1, 1)",
        {"padding.same": "Conv"},
        (3, 224, 224),
        conv("Conv", "data", "num_output: 32 kernel_size: 3 stride: 2 pad: 1 bias_term: false"),
        'x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="Conv")(image)',
        (
            'layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="Conv")(image)',
            'layers.Conv2D(32, 3, strides=2, use_bias=False, name="Conv")(layers.ZeroPadding2D(1)(image))',
        ),
    ),
    met(
        "broadinstitute/keras-resnet#35",
        "near identical once epsilon is 1e-5 and the padding symmetric",
        {"padding.same": "conv1", "batch_norm.epsilon": "bn_conv1+scale_conv1"},
        (3, 64, 64),
        conv("conv1", "data", "num_output: 16 kernel_size: 7 stride: 2 pad: 3 bias_term: false")
        + layer("bn_conv1", "BatchNorm", "conv1", "batch_norm_param { use_global_stats: true }", top="conv1")
        + layer("scale_conv1", "Scale", "conv1", "scale_param { bias_term: true }", top="conv1")
        + layer("conv1_relu", "ReLU", "conv1", top="conv1"),
        'x = layers.Conv2D(16, 7, strides=2, padding="same", use_bias=False, name="conv1")(image)\n'
        'x = layers.BatchNormalization(name="bn_conv1")(x)\nx = layers.Activation("relu", name="conv1_relu")(x)',
        (
            'layers.Conv2D(16, 7, strides=2, padding="same", use_bias=False, name="conv1")(image)',
            'layers.Conv2D(16, 7, strides=2, use_bias=False, name="conv1")(layers.ZeroPadding2D(3)(image))',
        ),
        ('BatchNormalization(name="bn_conv1")', 'BatchNormalization(epsilon=1e-5, name="bn_conv1")'),
        load='scales={"bn_conv1": "scale_conv1"}',
    ),
    met(
        "nicolov/segmentation_keras",
        "33 zeros around the front's scores before the context net, not 0",
        {"padding.amount": "ct_conv1_1+ct_relu1_1"},
        (3, 66, 66),
        conv("final", "data", "num_output: 5 kernel_size: 1")
        + conv("ct_conv1_1", "final", "num_output: 10 kernel_size: 3 pad: 33")
        + layer("ct_relu1_1", "ReLU", "ct_conv1_1", top="ct_conv1_1"),
        'x = layers.Conv2D(5, 1, name="final")(image)\n'
        'x = layers.Conv2D(10, 3, activation="relu", name="ct_conv1_1")(x)',
        (
            'activation="relu", name="ct_conv1_1")(x)',
            'activation="relu", name="ct_conv1_1")(layers.ZeroPadding2D(33)(x))',
        ),
    ),
    met(
        "ARM-software/armnn#486",
        "dilation is ignored without a word",
        {"dilation": "conv5_1"},
        (3, 32, 32),
        conv("conv5_1", "data", "num_output: 8 kernel_size: 3 pad: 2 dilation: 2"),
        'x = layers.Conv2D(8, 3, padding="same", name="conv5_1")(image)',
        ('padding="same", name', 'padding="same", dilation_rate=2, name'),
    ),
    met(
        "openvinotoolkit/openvino#65",
        "dilations=1,1 where the prototxt says 1 and 2",
        {"dilation": "conv1"},
        (1, 32, 64),
        conv(
            "conv1",
            "data",
            "num_output: 32 kernel_h: 5 kernel_w: 5 stride: 1 pad_w: 4 pad_h: 0 dilation: 1 dilation: 2",
        ),
        'x = layers.Conv2D(32, 5, name="conv1")(layers.ZeroPadding2D((0, 4))(image))',
        ("Conv2D(32, 5, name", "Conv2D(32, 5, dilation_rate=(1, 2), name"),
    ),
    met(
        "ethereon/caffe-tensorflow#7",
        "a kernel of 48 channels for 96: the groups are not there",
        {"groups": "conv2"},
        (3, 32, 32),
        conv("conv1", "data", "num_output: 12 kernel_size: 3")
        + conv("conv2", "conv1", "num_output: 16 kernel_size: 5 pad: 2 group: 2"),
        'x = layers.Conv2D(12, 3, name="conv1")(image)\nx = layers.Conv2D(16, 5, padding="same", name="conv2")(x)',
        ('    change(model, "conv2", lambda k, b: (np.tile(k[:, :, :6] + k[:, :, 6:], (1, 1, 2, 1)), b))\n', ""),
        then='change(model, "conv2", lambda k, b: (np.tile(k[:, :, :6] + k[:, :, 6:], (1, 1, 2, 1)), b))',
    ),
)
NETS = [net for net, _ in FOUND]
BUGS = [bug for _, bug in FOUND]
