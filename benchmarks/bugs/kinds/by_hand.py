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


DIGITS, MINI, FCN, DILATED = (
    "digits_lenet",
    "dilation_mini",
    "fcn8s_by_hand@64x64",
    "dilation8_pascal_voc@373x373",
)
NETS = tuple(fixture(name) for name in (DIGITS, MINI, FCN, DILATED))

POOL_1 = 'layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")'

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
