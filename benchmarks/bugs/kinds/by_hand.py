"""Bugs in the ports that stand in fixtures/models, whose weights the harness fills in."""

from dataclasses import replace

from benchmarks.bugs.bug import bug
from benchmarks.bugs.net import ROOT, Net
from harness.cases import find_case


def fixture(name: str) -> Net:
    """A case of fixtures/models as a net, at a size if need be: `NAME@HxW`."""
    case = find_case(name, [ROOT / "fixtures" / "models"])
    file, _, _ = case.keras.partition(":")
    source = (case.folder / file).read_text(encoding="utf-8")
    return Net(name, "", {"port": source}, case=replace(case, keras_weights="converted"))


DIGITS, MINI, SEGNET, FCN, DILATED = (
    "digits_lenet",
    "dilation_mini",
    "segnet_basic_by_hand@48x64",
    "fcn8s_by_hand@64x64",
    "dilation8_pascal_voc@373x373",
)
NETS = tuple(fixture(name) for name in (DIGITS, MINI, SEGNET, FCN, DILATED))

POOL_1 = 'layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")'
CROPPED = "(offset, have - offset - want)"
MASK = "ops.arange(height)[:, None, None] * width + ops.arange(width)[:, None]"

BUGS = (
    bug("pooling.mode", DIGITS, "pool1", (POOL_1, POOL_1.replace("Max", "Average"))),
    bug("kernel_size", DIGITS, "pool1", (POOL_1, POOL_1.replace("(3, ", "(2, "))),
    bug(
        "activation.missing",
        DIGITS,
        "conv2+relu2",
        ('padding="same", activation="relu", name="conv2"', 'padding="same", name="conv2"'),
    ),
    bug(
        "activation.kind",
        DIGITS,
        "ip1+relu3",
        ('layers.Dense(100, activation="relu"', 'layers.Dense(100, activation="sigmoid"'),
    ),
    bug(
        "dilation",
        MINI,
        "front/fc6",
        (
            'convolution(x, 32, 3, "front__fc6", dilation_rate=2)',
            'convolution(x, 32, 3, "front__fc6", dilation_rate=(2, 1))',
        ),
    ),
    bug(
        "dilation",
        MINI,
        "front/conv4",
        (
            'convolution(x, 24, 3, "front__conv4", dilation_rate=2)',
            'convolution(x, 24, 3, "front__conv4", dilation_rate=1)',
        ),
    ),
    bug(
        "padding.amount",
        MINI,
        "context/conv1",
        ("layers.ZeroPadding2D(7)(x)", "layers.ZeroPadding2D(((6, 8), (7, 7)))(x)"),
    ),
    bug(
        "activation.extra",
        MINI,
        "front/final",
        ('layers.Conv2D(5, 1, name="front__final")', 'layers.Conv2D(5, 1, activation="relu", name="front__final")'),
    ),
    bug("softmax.axis", MINI, "prob", ('layers.Softmax(name="prob")', 'layers.Softmax(axis=1, name="prob")')),
    bug(
        "unpooling.mask",
        SEGNET,
        "upsample4",
        (
            'x = Unpooling(size4, name="upsample4")([x, mask4])',
            'x = Unpooling(size4, name="upsample4")([x, mask4[:, ::-1]])',
        ),
        how="upside-down",
    ),
    bug(
        "unpooling.mask",
        SEGNET,
        "upsample2",
        (
            'x = Unpooling(size2, name="upsample2")([x, mask2])',
            'x = Unpooling(size2, name="upsample2")([x, mask2[..., ::-1]])',
        ),
        how="of-other-channels",
    ),
    bug(
        "unpooling.mask",
        SEGNET,
        "upsample1",
        (
            'x = Unpooling(size1, name="upsample1")([x, mask1])',
            'x = Unpooling(size1, name="upsample1")([x, mask1 * 0 + '
            "ops.cast((ops.arange(24)[:, None, None] * 2 * 64 + ops.arange(32)[:, None] * 2), mask1.dtype)])",
        ),
        how="top-left",
    ),
    bug(
        "layer.order",
        SEGNET,
        "conv1_bn+relu1+pool1",
        (
            '    x = BN(name="conv1_bn")(x)\n    x = layers.ReLU(name="relu1")(x)\n',
            '    x = layers.ReLU(name="relu1")(x)\n    x = BN(name="conv1_bn")(x)\n',
        ),
    ),
    bug(
        "crop.offset",
        FCN,
        "score_pool4c",
        ('crop(score, x, 5, "score_pool4c")', 'crop(score, x, 4, "score_pool4c")'),
        how="one-pixel",
    ),
    bug("crop.offset", FCN, "score", ('crop(x, image, 31, "score")', 'crop(x, image, 34, "score")'), how="centred"),
    bug(
        "pooling.rounding",
        DILATED,
        "pool3",
        (
            'layers.MaxPooling2D(2, strides=2, padding="same", name="pool3")',
            'layers.MaxPooling2D(2, strides=2, name="pool3")',
        ),
        slow=True,
    ),
)
