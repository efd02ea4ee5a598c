"""Pools, as they were met."""

from benchmarks.bugs.met import conv, layer, met


def pool(name: str, bottom: str, parameters: str) -> str:
    return layer(name, "Pooling", bottom, f"pooling_param {{ {parameters} }}")


FOUND = (
    met(
        "BVLC/caffe#4781",
        "GoogLeNet's first pool: 112 → 56, not 55",
        {"pooling.rounding": "pool1"},
        (3, 112, 112),
        pool("pool1", "data", "pool: MAX kernel_size: 3 stride: 2"),
        'x = layers.MaxPooling2D(3, strides=2, name="pool1")(image)',
        ("strides=2, name", 'strides=2, padding="same", name'),
    ),
    met(
        "BVLC/caffe#3057",
        "floor for ceil: there is no parameter to choose",
        {"pooling.rounding": "pool2"},
        (3, 41, 41),
        conv("conv1", "data", "num_output: 8 kernel_size: 3")
        + pool("pool2", "conv1", "pool: AVE kernel_size: 2 stride: 2"),
        'x = layers.Conv2D(8, 3, name="conv1")(image)\nx = layers.AveragePooling2D(2, name="pool2")(x)',
        ("AveragePooling2D(2, name", 'AveragePooling2D(2, padding="same", name'),
    ),
    met(
        "ARM-software/ComputeLibrary#82",
        "22 → 11, not 10, with a window of 3",
        {"pooling.rounding": "pool"},
        (3, 22, 22),
        pool("pool", "data", "pool: MAX kernel_size: 3 stride: 2"),
        'x = layers.MaxPooling2D(3, strides=2, name="pool")(image)',
        ("strides=2, name", 'strides=2, padding="same", name'),
    ),
    met(
        "weiliu89/caffe#826",
        "SSD's pool3: 75 → 38, not 37",
        {"pooling.rounding": "pool3"},
        (3, 75, 75),
        pool("pool3", "data", "pool: MAX kernel_size: 2 stride: 2"),
        'x = layers.MaxPooling2D(2, strides=2, name="pool3")(image)',
        ("strides=2, name", 'strides=2, padding="same", name'),
    ),
    met(
        "szq0214/DSOD#31",
        "the last resolution is 2x2, not 1x1",
        {"pooling.rounding": "pooling6"},
        (16, 3, 3),
        pool("pooling6", "data", "pool: MAX kernel_size: 2 stride: 2"),
        'x = layers.MaxPooling2D(2, strides=2, name="pooling6")(image)',
        ("strides=2, name", 'strides=2, padding="same", name'),
    ),
    met(
        "BVLC/caffe#6296",
        "35×35, window 3, pad 1: Caffe's pool_size is 9 at the edge too",
        {"pooling.divisor": "pool"},
        (3, 35, 35),
        pool("pool", "data", "pool: AVE kernel_size: 3 stride: 1 pad: 1"),
        'x = layers.AveragePooling2D(3, strides=1, padding="same", name="pool")(image)',
        ('strides=1, padding="same", name="pool")(image)', 'strides=1, name="pool")(layers.ZeroPadding2D(1)(image))'),
    ),
    met(
        "Tencent/ncnn#924",
        "pool_size is that of the window cut at the padded edge",
        {"pooling.divisor": "pool"},
        (3, 34, 34),
        pool("pool", "data", "pool: AVE kernel_size: 3 stride: 2"),
        'x = layers.AveragePooling2D(3, strides=2, name="pool")(layers.ZeroPadding2D(((0, 1), (0, 1)))(image))',
        (
            'strides=2, name="pool")(layers.ZeroPadding2D(((0, 1), (0, 1)))(image))',
            'strides=2, padding="same", name="pool")(image)',
        ),
    ),
    met(
        "BVLC/caffe#3414",
        "pool1 reads conv1 as it was before relu1",
        {"blob.overwritten": "pool1"},
        (3, 39, 39),
        conv("conv1", "data", "num_output: 8 kernel_size: 11 stride: 4")
        + layer("relu1", "ReLU", "conv1", top="conv1")
        + pool("pool1", "conv1", "pool: AVE kernel_size: 2 stride: 2")
        + conv("conv2", "conv1", "num_output: 4 kernel_size: 1")
        + conv("conv3", "pool1", "num_output: 4 kernel_size: 1"),
        'conv1 = layers.Conv2D(8, 11, strides=4, name="conv1")(image)\nx = layers.ReLU(name="relu1")(conv1)\n'
        'two = layers.Conv2D(4, 1, name="conv2")(x)\n'
        'x = layers.AveragePooling2D(2, name="pool1")(conv1)\nx = [two, layers.Conv2D(4, 1, name="conv3")(x)]',
        ('name="pool1")(conv1)', 'name="pool1")(x)'),
    ),
)
NETS = [net for net, _ in FOUND]
BUGS = [bug for _, bug in FOUND]
