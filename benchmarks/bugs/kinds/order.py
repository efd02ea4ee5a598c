"""Layers in another order, blobs read before or after an in-place layer, and reduced precision.

Of two layers exchanged each reads what it should not, and so do those behind the second one: any of them is the place.
"""

from benchmarks.bugs.bug import bug, harmless

BN1 = '    x = layers.BatchNormalization(epsilon=1e-5, name="bn_conv1")(x)\n'
RELU1 = '    x = layers.ReLU(name="conv1_relu")(x)\n'
POOL1 = '    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)\n'
NORM1 = '    x = LRN(2, 1.0, 1e-4 / 5, 0.75, name="norm1")(x)\n'
ADD = '    x = layers.Add(name="res2a")([shortcut, x])\n    x = layers.ReLU(name="res2a_relu")(x)\n'

BUGS = (
    bug(
        "layer.order",
        "resnet",
        "bn_conv1+scale_conv1+conv1_relu+pool1",
        (BN1 + RELU1, RELU1 + BN1),
        how="relu-before-norm",
    ),
    bug("layer.order", "alexnet", "norm1+pool1+conv2+relu2", (NORM1 + POOL1, POOL1 + NORM1), how="pool-before-norm"),
    bug(
        "layer.order",
        "resnet",
        "res2a+res2a_relu+res3a_branch1+res3a_branch2a",
        (ADD, '    x = layers.ReLU(name="res2a_relu")(x)\n    x = layers.Add(name="res2a")([shortcut, x])\n'),
        how="relu-before-sum",
    ),
    bug(
        "layer.order",
        "detector",
        "relu1+bn1+scale1+pool1",
        (
            '    x = layers.BatchNormalization(epsilon=1e-5, name="bn1")(x)\n'
            '    x = layers.LeakyReLU(negative_slope=0.1, name="relu1")(x)\n',
            '    x = layers.LeakyReLU(negative_slope=0.1, name="relu1")(x)\n'
            '    x = layers.BatchNormalization(epsilon=1e-5, name="bn1")(x)\n',
        ),
        how="relu-before-norm",
    ),
    harmless("pool-before-relu", "resnet", (RELU1 + POOL1, POOL1 + RELU1)),
    bug(
        "blob.overwritten",
        "resnet",
        "res3a_branch1",
        (ADD, ADD.replace("    x = layers.ReLU", "    early = x\n    x = layers.ReLU")),
        ('name="res3a_branch1")(x)', 'name="res3a_branch1")(early)'),
        how="before-relu",
    ),
    bug(
        "blob.overwritten",
        "resnet",
        "res2a_branch1",
        (RELU1 + POOL1, '    early = layers.MaxPooling2D(3, strides=2, padding="same")(x)\n' + RELU1 + POOL1),
        ('name="res2a_branch1")(x)', 'name="res2a_branch1")(early)'),
        how="before-pool-and-relu",
    ),
    bug(
        "blob.overwritten",
        "mtcnn",
        "conv4-1",
        (
            '    x = layers.PReLU(shared_axes=[1, 2], name="prelu3")(x)\n',
            '    early = x\n    x = layers.PReLU(shared_axes=[1, 2], name="prelu3")(x)\n',
        ),
        ('name="conv4-1")(x)', 'name="conv4-1")(early)'),
        how="before-prelu",
    ),
    bug(
        "precision",
        "alexnet",
        "conv3+relu3",
        ('activation="relu", name="conv3"', 'activation="relu", dtype="mixed_bfloat16", name="conv3"'),
        how="bfloat16",
    ),
    bug(
        "precision",
        "alexnet",
        "fc7+relu7",
        ('activation="relu", name="fc7"', 'activation="relu", dtype="mixed_float16", name="fc7"'),
        how="float16",
    ),
    bug(
        "precision",
        "resnet",
        "res2a_branch2b",
        (
            'padding="same", use_bias=False, name="res2a_branch2b"',
            'padding="same", use_bias=False, dtype="float16", name="res2a_branch2b"',
        ),
        how="float16",
    ),
    bug(
        "precision",
        "dilated",
        "ct_conv1_1+ct_relu1_1",
        then='change(model, "ct_conv1_1", lambda k, b: (k.astype(np.float16), b.astype(np.float16)))',
        how="stored-as-float16",
    ),
)
