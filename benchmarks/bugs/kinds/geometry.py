"""Padding, strides, windows, groups and dilation of convolutions."""

from benchmarks.bugs.bug import bug, harmless

STEM = 'layers.Conv2D(16, 7, strides=2, name="conv1")'
PADDED = "layers.ZeroPadding2D(3)(image)"
CONV3 = 'layers.Conv2D(32, 3, padding="same", activation="relu", name="conv3")(x)'
CONV3_BARE = 'layers.Conv2D(32, 3, activation="relu", name="conv3")({})'
UNGROUPED = ('groups=2, activation="relu", name="conv2"', 'activation="relu", name="conv2"')

BUGS = (
    bug(
        "padding.same", "resnet", "conv1", (f"    x = {PADDED}\n", "    x = image\n"),
        (STEM, 'layers.Conv2D(16, 7, strides=2, padding="same", name="conv1")'),
    ),
    bug("padding.amount", "resnet", "conv1", (PADDED, "layers.ZeroPadding2D(((4, 2), (3, 3)))(image)"), how="a-row-off"),
    bug("padding.amount", "resnet", "conv1", (PADDED, "layers.ZeroPadding2D(((3, 2), (3, 2)))(image)"), how="end-short"),
    bug(
        "padding.amount", "alexnet", "conv3+relu3",
        (CONV3, CONV3_BARE.format("layers.ZeroPadding2D(((2, 0), (1, 1)))(x)")), how="a-row-off",
    ),
    bug(
        "padding.value", "resnet", "conv1",
        (PADDED, 'keras.ops.pad(image, ((0, 0), (3, 3), (3, 3), (0, 0)), "reflect")'), how="reflect",
    ),
    bug(
        "padding.value", "alexnet", "conv3+relu3",
        (CONV3, CONV3_BARE.format('keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "symmetric")')), how="edge",
    ),
    bug(
        "groups", "alexnet", "conv2+relu2", UNGROUPED, how="lost",
        then='change(model, "conv2", lambda k, b: (np.tile(k[:, :, :8] + k[:, :, 8:], (1, 1, 2, 1)), b))',
    ),
    harmless("dense-for-groups", "alexnet", UNGROUPED),
)  # fmt: skip
