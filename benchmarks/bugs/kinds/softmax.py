"""Softmax over the wrong axis, and the reshaping before it."""

from benchmarks.bugs.bug import bug

AFTER = "            layers.Reshape((34, 34, 5)),\n"

BUGS = (
    bug("softmax.axis", "dilated", "prob", ('layers.Softmax(name="prob")', 'layers.Softmax(axis=1, name="prob")')),
    bug(
        "softmax.axis",
        "unet",
        "prob",
        ('layers.Softmax(name="prob")', 'layers.Softmax(axis=1, name="prob")'),
        how="rows",
    ),
    bug(
        "softmax.axis",
        "unet",
        "prob",
        ('layers.Softmax(name="prob")', 'layers.Softmax(axis=[1, 2, 3], name="prob")'),
        how="all",
    ),
    bug(
        "softmax.axis",
        "pspnet",
        "prob",
        ('layers.Softmax(name="prob")', 'layers.Softmax(axis=2, name="prob")'),
        how="columns",
    ),
    bug(
        "softmax.axis",
        "mtcnn",
        "prob-map",
        ('layers.Softmax(name="prob-map")', 'layers.Softmax(axis=1, name="prob-map")'),
    ),
    bug("softmax.axis", "detector", "conf_softmax", ("layers.Softmax(axis=-1, ", "layers.Softmax(axis=1, ")),
    bug(
        "softmax.reshape",
        "dilated",
        "prob",
        ("layers.Reshape((34 * 34, 5)),", "layers.Permute((2, 1, 3)), layers.Reshape((34 * 34, 5)),"),
        how="columns-first",
    ),
    bug(
        "softmax.reshape",
        "dilated",
        "prob",
        ("layers.Reshape((34 * 34, 5)),", "layers.Reshape((5, 34 * 34)), layers.Permute((2, 1)),"),
        how="as-if-channels-first",
    ),
    bug(
        "softmax.reshape",
        "dilated",
        "prob",
        (AFTER, "            layers.Reshape((34, 34, 5)),\n            layers.Permute((2, 1, 3)),\n"),
        how="turned-back",
    ),
    bug(
        "softmax.reshape",
        "unet",
        "prob",
        (
            'x = layers.Softmax(name="prob")(x)',
            'x = layers.Reshape((44, 44, 4))(layers.Softmax(name="prob")(layers.Reshape((4, 44 * 44))(x)))',
        ),
        how="channels-first",
    ),
)
