"""Padding, strides, windows, groups and dilation of convolutions."""

from benchmarks.bugs.bug import Bug, bug, harmless

STEM = 'layers.Conv2D(16, 7, strides=2, name="conv1")'
PADDED = "layers.ZeroPadding2D(3)(image)"
CONV3 = 'layers.Conv2D(32, 3, padding="same", activation="relu", name="conv3")(x)'
CONV3_BARE = 'layers.Conv2D(32, 3, activation="relu", name="conv3")({})'
UNGROUPED = ('groups=2, activation="relu", name="conv2"', 'activation="relu", name="conv2"')

SAME7 = (
    (f"    x = {PADDED}\n", "    x = image\n"),
    (STEM, 'layers.Conv2D(16, 7, strides=2, padding="same", name="conv1")'),
)
DW = 'layers.DepthwiseConv2D(3, strides=stride, use_bias=False, name=f"conv{tag}__dw")'
DW_PAD = "    x = layers.ZeroPadding2D(1)(entry)\n"


def same_depthwise(tag: str) -> Bug:
    """padding="same" in one block alone: where its stride is 2 that is not Caffe's padding."""
    return bug(
        "padding.same",
        "mobilenet",
        f"conv{tag}/dw",
        (DW_PAD, f'    x = entry if tag == "{tag}" else layers.ZeroPadding2D(1)(entry)\n'),
        (DW, DW.replace("use_bias", f'padding="same" if tag == "{tag}" else "valid", use_bias')),
    )


BUGS = (
    same_depthwise("2_2"),
    same_depthwise("6"),
    bug(
        "padding.same",
        "mobilenet",
        "conv1",
        ("    x = layers.ZeroPadding2D(1)(image)\n", "    x = image\n"),
        ("8, 3, strides=2, use_bias", '8, 3, strides=2, padding="same", use_bias'),
    ),
    bug(
        "padding.same",
        "detector",
        "conv1",
        ("    x = layers.ZeroPadding2D(1)(image)\n", "    x = image\n"),
        ("12, 3, strides=2, use_bias", '12, 3, strides=2, padding="same", use_bias'),
    ),
    # Of 49 pixels "same" pads one on either side, as Caffe does.
    harmless(
        "same-of-an-odd-size",
        "pspnet",
        ("    x = layers.ZeroPadding2D(1)(image)\n", "    x = image\n"),
        ("12, 3, strides=2, use_bias", '12, 3, strides=2, padding="same", use_bias'),
    ),
    bug("padding.amount", "dilated/functional", "ct_conv1_1", ("(layers.ZeroPadding2D(7)(x))", "(x)"), how="none"),
    bug(
        "padding.amount",
        "dilated/functional",
        "ct_conv1_1",
        ("layers.ZeroPadding2D(7)", "layers.ZeroPadding2D(((7, 7), (6, 8)))"),
        how="a-column-off",
    ),
    bug(
        "padding.amount",
        "inception",
        "fire/expand3x3+fire/relu_expand3x3",
        (
            'layers.Conv2D(12, 3, padding="same", activation="relu", name="fire__expand3x3")(squeeze)',
            'layers.Conv2D(12, 3, activation="relu", name="fire__expand3x3")('
            "layers.ZeroPadding2D(((0, 2), (1, 1)))(squeeze))",
        ),
        how="a-row-off",
    ),
    bug("dilation", "pspnet", "conv2+conv2_relu", ("dilation_rate=2, ", ""), how="lost"),
    bug(
        "dilation",
        "dilated/functional",
        "conv5_1",
        ('16, 3, dilation_rate=2, name="five_a"', '16, 3, name="five_a"'),
        how="lost",
    ),
    bug("dilation", "dilated/functional", "ct_conv3_1", ("dilation_rate=4", "dilation_rate=(4, 3)"), how="weak"),
    bug("dilation", "dilated/functional", "ct_conv3_1", ("dilation_rate=4", "dilation_rate=2"), how="half"),
    bug(
        "stride",
        "mobilenet",
        "conv6/dw",
        ('block((16, 16, 24), "6", 32, 2, 1e-4)', 'block((16, 16, 24), "6", 32, 1, 1e-4)'),
    ),
    bug(
        "stride",
        "mobilenet",
        "conv2_2/dw",
        ('block((32, 32, 16), "2_2", 24, 2, 1e-5)', 'block((32, 32, 16), "2_2", 24, 1, 1e-5)'),
        ("(16, 16, 24)", "(32, 32, 24)"),
    ),
    bug(
        "pooling.rounding",
        "dilated/functional",
        "pool1",
        ('layers.MaxPooling2D(2, padding="same")', "layers.MaxPooling2D(2)"),
    ),
    bug(
        "kernel_size",
        "dilated/functional",
        "pool1",
        ('layers.MaxPooling2D(2, padding="same")', 'layers.MaxPooling2D(3, strides=2, padding="same")'),
    ),
    bug("padding.same", "resnet", "conv1", *SAME7),
    bug(
        "padding.amount", "resnet", "conv1", (PADDED, "layers.ZeroPadding2D(((4, 2), (3, 3)))(image)"), how="a-row-off"
    ),
    bug(
        "padding.amount",
        "alexnet",
        "conv3+relu3",
        (CONV3, CONV3_BARE.format("layers.ZeroPadding2D(((2, 0), (1, 1)))(x)")),
        how="a-row-off",
    ),
    bug(
        "padding.value",
        "resnet",
        "conv1",
        (PADDED, 'keras.ops.pad(image, ((0, 0), (3, 3), (3, 3), (0, 0)), "reflect")'),
        how="reflect",
    ),
    bug(
        "padding.value",
        "alexnet",
        "conv3+relu3",
        (CONV3, CONV3_BARE.format('keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "symmetric")')),
        how="edge",
    ),
    bug(
        "groups",
        "alexnet",
        "conv2+relu2",
        UNGROUPED,
        how="lost",
        then='change(model, "conv2", lambda k, b: (np.tile(k[:, :, :8] + k[:, :, 8:], (1, 1, 2, 1)), b))',
    ),
    # Of 64 pixels and a pad of 3 on both sides, a window of 7 with stride 2 never reads the last row.
    harmless("pad-that-is-not-read", "resnet", (PADDED, "layers.ZeroPadding2D(((3, 2), (3, 2)))(image)")),
    harmless("dense-for-groups", "alexnet", UNGROUPED),
)
