"""Preprocessing: by the port's own function, where the input itself is the first row, and by layers within the model."""

from benchmarks.bugs.bug import Bug, bug

FIRST = {"alexnet": "conv1+relu1", "dilated": "conv1_1+relu1_1", "resnet": "conv1", "mobilenet": "conv1"}
CALLS = {
    "alexnet": 'activation="relu", name="conv1")(image)',
    "resnet": "layers.ZeroPadding2D(3)(image)",
    "mobilenet": "layers.ZeroPadding2D(1)(image)",
}


def within(code: str, net: str, how: str, new: str) -> Bug:
    """A layer in front of the first one: the model changes what it is fed."""
    return bug(
        code, net, f"data+{FIRST[net]}", (CALLS[net], CALLS[net].replace("(image)", f"({new})")), how=f"within-{how}"
    )


BUGS = (
    bug(
        "input.channel_order",
        "alexnet",
        "data",
        ("    bgr = rgb[:, :, ::-1]\n    return bgr - MEAN_BGR", "    return rgb - MEAN_BGR[::-1]"),
    ),
    bug(
        "input.channel_order",
        "dilated",
        "data",
        ("    image = image[..., ::-1]\n", ""),
        ("[104.0, 117.0, 123.0]", "[123.0, 117.0, 104.0]"),
    ),
    bug("input.mean", "alexnet", "data", ("return bgr - MEAN_BGR", "return bgr"), how="none"),
    bug("input.mean", "alexnet", "data", ("return bgr - MEAN_BGR", "return bgr - 2 * MEAN_BGR"), how="twice"),
    bug("input.mean", "dilated", "data", ("[104.0, 117.0, 123.0]", "[123.0, 117.0, 104.0]"), how="other-order"),
    bug("input.mean", "dilated", "data", ("[104.0, 117.0, 123.0]", "[103.939, 116.779, 123.68]"), how="weak"),
    bug("input.mean", "alexnet", "data", ("[104.0, 117.0, 123.0]", "[102.93, 111.36, 116.52]"), how="other-set"),
    bug("input.scale", "alexnet", "data", ("return bgr - MEAN_BGR", "return (bgr - MEAN_BGR) / 255"), how="0-1"),
    bug("input.scale", "dilated", "data", ("return image - ", "return 0.017 * image - 0.017 * "), how="mobilenets"),
    bug("input.scale", "alexnet", "data", ("return bgr - MEAN_BGR", "return (bgr - MEAN_BGR) * 1.001"), how="weak"),
    bug("input.layout", "alexnet", "data", ("return bgr - MEAN_BGR", "return (bgr - MEAN_BGR).transpose(1, 0, 2)")),
    bug(
        "input.layout",
        "dilated",
        "data",
        ("    image = image[..., ::-1]\n", "    image = image[..., ::-1].swapaxes(0, 1)\n"),
    ),
    within("input.channel_order", "alexnet", "slice", "image[..., ::-1]"),
    within("input.channel_order", "resnet", "lambda", "layers.Lambda(lambda x: keras.ops.flip(x, -1))(image)"),
    within("input.mean", "resnet", "rescaling", "layers.Rescaling(1.0, offset=[-104.0, -117.0, -123.0])(image)"),
    within(
        "input.mean",
        "mobilenet",
        "lambda",
        "layers.Lambda(lambda x: x + np.array([104.0, 117.0, 123.0], np.float32))(image)",
    ),
    within("input.scale", "alexnet", "rescaling", "layers.Rescaling(1 / 255)(image)"),
    within("input.scale", "mobilenet", "lambda", "layers.Lambda(lambda x: x * 0.017)(image)"),
    within("input.layout", "resnet", "permute", "layers.Permute((2, 1, 3))(image)"),
)
