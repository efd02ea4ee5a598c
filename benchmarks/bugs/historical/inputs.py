"""Preprocessing, as it was met."""

from benchmarks.bugs.met import conv, layer, met

NET = conv("conv1_1", "data", "num_output: 8 kernel_size: 3 pad: 1") + layer(
    "relu1_1", "ReLU", "conv1_1", top="conv1_1"
)
PORT = 'x = layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1_1")(image)'
SHAPE = (3, 64, 64)


def reading(*steps: str) -> str:
    """A function that reads the middle of a photograph as RGB and takes these steps."""
    body = "".join(f"    {step}\n" for step in steps)
    return (
        "def load_input(path, size):\n    x = keras.utils.img_to_array(keras.utils.load_img(path))\n"
        "    top, left = (x.shape[0] - size[0]) // 2, (x.shape[1] - size[1]) // 2\n"
        "    x = x[top : top + size[0], left : left + size[1]]\n" + body + "    return x"
    )


SWAP, MEAN = "x = x[..., ::-1]", "x = x - np.array([104.0, 117.0, 123.0], np.float32)"
BOTH = f"    {SWAP}\n    {MEAN}\n"

FOUND = (
    met(
        "keras-team/keras#4027",
        "[103.939, 116.779, 123.68] are of B, G, R and were taken from R, G, B",
        {"input.mean": "data"},
        SHAPE,
        NET,
        PORT,
        (f"    {MEAN}\n    {SWAP}\n", BOTH),
        more=reading(MEAN, SWAP),
    ),
    met(
        "fchollet/deep-learning-models#41",
        "the mean of R is subtracted from B and vice versa",
        {"input.mean": "data"},
        SHAPE,
        NET,
        PORT,
        ("[123.0, 117.0, 104.0]", "[104.0, 117.0, 123.0]"),
        more=reading(SWAP, "x = x - np.array([123.0, 117.0, 104.0], np.float32)"),
    ),
    met(
        "imatge-upc/detection-2016-nipsws#11",
        "one image is read as BGR, the other as RGB",
        {"input.channel_order": "data"},
        SHAPE,
        NET,
        PORT,
        ("[123.0, 117.0, 104.0]", "[104.0, 117.0, 123.0]"),
        ("    x = x - np", f"    {SWAP}\n    x = x - np"),
        more=reading("x = x - np.array([123.0, 117.0, 104.0], np.float32)"),
    ),
    met(
        "meetps/pytorch-semseg#77",
        "scaled to 0–1, which the original does not do",
        {"input.scale": "data"},
        SHAPE,
        NET,
        PORT,
        ("    x = x / 255\n", ""),
        more=reading(SWAP, MEAN, "x = x / 255"),
    ),
)
NETS = [net for net, _ in FOUND]
BUGS = [bug for _, bug in FOUND]
