"""Power, a Scale by itself, and blobs reshaped or permuted in another order, which are one kind of bug with two names."""

from benchmarks.bugs.bug import bug

NORM = 'layers.Rescaling(0.02, offset=0.5, name="norm")'
SQUARE = "lambda x: (0.25 + 0.5 * x) ** 2"
BEND = "lambda x: 2.0 * x - 1.0"
HEAD = 'layers.Reshape((-1, 3), name="conf_reshape")(classes)'

BUGS = (
    bug("power", "arithmetic", "norm", (NORM, 'layers.Rescaling(0.02, name="norm")'), how="no-shift"),
    bug("power", "arithmetic", "norm", (NORM, 'layers.Rescaling(0.02, offset=0.01, name="norm")'), how="shift-first"),
    bug("power", "arithmetic", "square", (SQUARE, "lambda x: (0.25 + x) ** 2"), how="no-scale"),
    bug("power", "arithmetic", "square", (SQUARE, "lambda x: 0.25 + 0.5 * x"), how="no-power"),
    bug("power", "arithmetic", "square", (SQUARE, "lambda x: 0.25 + 0.5 * x**2"), how="power-first"),
    bug("power", "arithmetic", "square", (SQUARE, "lambda x: (0.25 + 0.50002 * x) ** 2"), how="weak"),
    bug("power", "arithmetic", "bend", (BEND, "lambda x: 2.0 * (x - 1.0)"), how="shift-first"),
    bug("scale.bias", "arithmetic", "gain", ("return x * self.gamma + self.beta", "return x * self.gamma")),
    bug("scale.missing", "arithmetic", "gain", ('    x = Scale(name="gain")(total)\n', "    x = total\n")),
    bug(
        "weights.permuted",
        "arithmetic",
        "gain",
        how="two-channels",
        then='change(model, "gain", lambda g, b: (exchanged(g, 0), b))',
    ),
    bug(
        "reshape.order",
        "detector",
        "conf_perm+conf_reshape+conf_softmax",
        (HEAD, 'layers.Reshape((-1, 3), name="conf_reshape")(layers.Permute((3, 1, 2))(classes))'),
        how="channels-first",
        also=["permute.order"],
    ),
    bug(
        "reshape.order",
        "detector",
        "conf_perm+conf_reshape+conf_softmax",
        (HEAD, 'layers.Permute((2, 1))(layers.Reshape((3, -1), name="conf_reshape")(classes))'),
        how="classes-outside",
        also=["permute.order"],
    ),
    bug(
        "reshape.order",
        "arithmetic",
        "b+folded",
        ('name="folded")(layers.Permute((3, 1, 2))(b))', 'name="folded")(b)'),
        how="as-it-comes",
        also=["permute.order"],
    ),
    bug(
        "permute.order",
        "detector",
        "conf_perm+conf_reshape+conf_softmax",
        (HEAD, HEAD.replace("(classes)", "(layers.Permute((2, 1, 3))(classes))")),
        how="columns-first",
        also=["reshape.order"],
    ),
    bug(
        "permute.order",
        "detector",
        "loc+loc_perm+loc_flat",
        ('layers.Flatten(name="loc_flat")(boxes)', 'layers.Flatten(name="loc_flat")(layers.Permute((2, 1, 3))(boxes))'),
        how="columns-first",
        also=["reshape.order"],
    ),
    bug(
        "permute.order",
        "detector",
        "loc+loc_perm+loc_flat",
        ('layers.Flatten(name="loc_flat")(boxes)', 'layers.Flatten(name="loc_flat")(layers.Permute((3, 1, 2))(boxes))'),
        how="lost",
        also=["reshape.order"],
    ),
    bug("flatten.order", "detector", "extra+extra_flat+scores", ("    extra = layers.Permute((3, 1, 2))(extra)\n", "")),
    bug("flatten.order", "mtcnn", "conv4", ('flattened={"conv4": (16, 9, 9)}', "flattened={}")),
    bug(
        "flatten.order",
        "mtcnn",
        "conv4",
        ('flattened={"conv4": (16, 9, 9)}', 'flattened={"conv4": (9, 16, 9)}'),
        how="wrong-axes",
    ),
)
