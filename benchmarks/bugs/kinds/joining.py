"""Where branches meet: Eltwise, Concat, Crop; and Dropout, which should do nothing."""

from benchmarks.bugs.bug import bug, harmless

DROP6 = "x = layers.Dropout(0.5)(x)\n    x = layers.Dense(32"
DROP7 = "x = layers.Dropout(0.5)(x)\n    x = layers.Dense(10"
DROP2 = 'layers.Dropout(0.5, name="drop2")(x)'
CROP1 = 'layers.Cropping2D(((1, 4), (3, 2)), name="crop1")'
CROP2 = 'layers.Cropping2D(((19, 95), (19, 95)), name="crop2")'
MIX = "lambda pair: 0.7 * pair[0] + 0.3 * pair[1]"

BUGS = (
    bug(
        "eltwise.operation",
        "arithmetic",
        "product",
        ('layers.Multiply(name="product")', 'layers.Add(name="product")'),
        how="sum",
    ),
    bug(
        "eltwise.operation",
        "arithmetic",
        "largest",
        ('layers.Maximum(name="largest")', 'layers.Add(name="largest")'),
        how="sum",
    ),
    bug(
        "eltwise.operation",
        "arithmetic",
        "largest",
        ('layers.Maximum(name="largest")', 'layers.Minimum(name="largest")'),
        how="min",
    ),
    bug("eltwise.operation", "arithmetic", "sum", ('layers.Add(name="sum")', 'layers.Maximum(name="sum")'), how="max"),
    bug(
        "eltwise.operation", "resnet", "res2a", ('layers.Add(name="res2a")', 'layers.Maximum(name="res2a")'), how="max"
    ),
    bug(
        "eltwise.operation",
        "resnet",
        "res3a",
        ('layers.Add(name="res3a")', 'layers.Multiply(name="res3a")'),
        how="prod",
    ),
    # An average of two is a sum whose two coefficients are one half: both names say what is wrong.
    bug(
        "eltwise.operation",
        "resnet",
        "res3a",
        ('layers.Add(name="res3a")', 'layers.Average(name="res3a")'),
        how="average",
        also=("eltwise.coefficient",),
    ),
    # A sum in place of the difference has lost its coefficients.
    bug(
        "eltwise.coefficient",
        "arithmetic",
        "difference",
        ('layers.Subtract(name="difference")', 'layers.Add(name="difference")'),
        how="lost",
        also=("eltwise.operation",),
    ),
    bug(
        "eltwise.coefficient",
        "arithmetic",
        "difference",
        ('(name="difference")([a, b])', '(name="difference")([b, a])'),
        how="exchanged",
    ),
    bug("eltwise.coefficient", "arithmetic", "mix", (MIX, "lambda pair: pair[0] + pair[1]"), how="lost"),
    bug(
        "eltwise.coefficient", "arithmetic", "mix", (MIX, "lambda pair: 0.3 * pair[0] + 0.7 * pair[1]"), how="exchanged"
    ),
    bug("eltwise.coefficient", "arithmetic", "mix", (MIX, "lambda pair: 0.7001 * pair[0] + 0.3 * pair[1]"), how="weak"),
    bug("concat.order", "inception", "fire/concat", ("([one, three])", "([three, one])")),
    bug("concat.order", "inception", "i4/output", ("([one, wide, pool, largest])", "([one, pool, wide, largest])")),
    bug("concat.order", "unet", "cat1", ("([skip, x])", "([x, skip])")),
    bug("concat.order", "pspnet", "concat", ("([x, a, b])", "([x, b, a])")),
    bug("concat.order", "arithmetic", "tall", ('name="tall")([a, b])', 'name="tall")([b, a])')),
    bug(
        "concat.axis",
        "arithmetic",
        "tall",
        ('layers.Concatenate(axis=1, name="tall")', 'layers.Concatenate(axis=2, name="tall")'),
        how="columns",
    ),
    bug(
        "concat.axis",
        "arithmetic",
        "tall",
        ('layers.Concatenate(axis=1, name="tall")', 'layers.Concatenate(name="tall")'),
        how="channels",
    ),
    bug(
        "concat.axis",
        "arithmetic",
        "wide",
        ('layers.Concatenate(name="wide")', 'layers.Concatenate(axis=1, name="wide")'),
        how="caffes-number",
    ),
    bug("crop.offset", "unet", "crop1", (CROP1, CROP1.replace("(1, 4), (3, 2)", "(2, 3), (2, 3)")), how="centred"),
    bug("crop.offset", "unet", "crop1", (CROP1, CROP1.replace("(1, 4)", "(2, 3)")), how="one-row"),
    bug(
        "crop.offset", "unet", "crop1", (CROP1, CROP1.replace("(1, 4), (3, 2)", "(3, 2), (1, 4)")), how="axes-exchanged"
    ),
    bug("crop.offset", "unet", "crop1", (CROP1, CROP1.replace("(1, 4), (3, 2)", "(0, 5), (0, 5)")), how="lost"),
    bug(
        "crop.offset",
        "unet",
        "crop2",
        (CROP2, CROP2.replace("(19, 95)", "(57, 57)").replace("name", "name")),
        how="centred",
    ),
    bug(
        "crop.offset",
        "unet",
        "crop2",
        (CROP2, CROP2.replace("((19, 95), (19, 95))", "((18, 96), (18, 96))")),
        how="one-pixel",
    ),
    bug(
        "dropout.active",
        "alexnet",
        "fc6+relu6+drop6+fc7+relu7",
        (DROP6, DROP6.replace("(x)\n", "(x, training=True)\n")),
    ),
    bug("dropout.active", "unet", "drop2+up2+score", (DROP2, DROP2.replace("(x)", "(x, training=True)"))),
    bug(
        "dropout.scale",
        "alexnet",
        "fc6+relu6+drop6+fc7+relu7",
        (DROP6, DROP6.replace("layers.Dropout(0.5)", "layers.Rescaling(0.5)")),
        how="once-more",
    ),
    bug(
        "dropout.scale",
        "alexnet",
        "fc7+relu7+drop7+fc8",
        (DROP7, DROP7.replace("layers.Dropout(0.5)(x)", "x / 0.5")),
        how="inverted",
    ),
    bug(
        "dropout.scale",
        "unet",
        "drop2+up2+score",
        (DROP2, 'layers.Lambda(lambda x: x * 0.5, name="drop2")(x)'),
        how="own-layer",
    ),
    harmless("other-dropout-rate", "alexnet", (DROP6, DROP6.replace("0.5", "0.9"))),
    harmless("no-dropout", "alexnet", (DROP7, DROP7.replace("x = layers.Dropout(0.5)(x)\n    ", ""))),
)
