"""Weights that were loaded wrongly, or not at all."""

from benchmarks.bugs.bug import Bug, bug

CONVOLUTIONS = (
    ("alexnet", "conv1", "conv1+relu1"),
    ("alexnet", "conv3", "conv3+relu3"),
    ("resnet", "res2a_branch2b", "res2a_branch2b"),
    ("resnet", "conv1", "conv1"),
)
SQUARE = (("alexnet", "conv3", "conv3+relu3"), ("resnet", "res3a_branch2b", "res3a_branch2b"))
"""As many channels in as out, so that exchanging them fits."""


def changed(code: str, net: str, keras: str, at: str, how: str, new: str) -> Bug:
    """A bug in what one Keras layer holds: `new` makes the kernel `k` and the rest, a bias if any, anew."""
    return bug(code, net, at, how=how, then=f'change(model, "{keras}", lambda k, *b: ({new}, *b))')


BUGS = (
    *(changed("weights.spatial_transpose", *one, "", "k.swapaxes(0, 1)") for one in CONVOLUTIONS),
    *(changed("weights.flip", *one, "", "k[::-1, ::-1]") for one in CONVOLUTIONS),
    *(changed("weights.channel_transpose", *one, "", "k.swapaxes(2, 3)") for one in SQUARE),
    *(changed("weights.permuted", *one, "two-outputs", "exchanged(k, 3, 2, 5)") for one in CONVOLUTIONS),
    *(changed("weights.permuted", *one, "outputs-reversed", "k[..., ::-1]") for one in CONVOLUTIONS[1:]),
    *(changed("weights.permuted", *one, "two-inputs", "exchanged(k, 2)") for one in CONVOLUTIONS[1:3]),
    *(changed("weights.permuted", *one, "inputs-rolled", "np.roll(k, 1, 2)") for one in SQUARE),
    *(changed("weights.scaled", *one, "weak", "k * np.float32(1.0005)") for one in CONVOLUTIONS),
    *(changed("weights.scaled", *one, "strong", "k / 255") for one in CONVOLUTIONS[1:3]),
    *(changed("weights.not_loaded", *one, "", "initial(k.shape)") for one in CONVOLUTIONS),
    changed("weights.not_loaded", "alexnet", "fc7", "fc7+relu7", "", "initial(k.shape)"),
    changed("weights.permuted", "alexnet", "fc7", "fc7+relu7", "two-inputs", "exchanged(k, 0, 3, 4)"),
    changed("weights.permuted", "alexnet", "fc8", "fc8", "outputs-rolled", "np.roll(k, 1, 1)"),
    changed("weights.scaled", "alexnet", "fc8", "fc8", "", "k * 2"),
    *(
        bug(
            "weights.of_other_layer",
            "dilated",
            f"{at}+{at.replace('conv', 'relu')}",
            then=f'other = model.get_layer("{other}").get_weights()\nchange(model, "{at}", lambda *own: tuple(other))',
        )
        for at, other in (("conv5_1", "conv5_2"), ("conv2_2", "conv5_1"))
    ),
    *(
        changed(code, "mobilenet", f"{at.replace('/', '__')}", at, how, new)
        for at in ("conv2_2/dw", "conv6/dw")
        for code, how, new in (
            ("weights.flip", "depthwise", "k[::-1, ::-1]"),
            ("weights.spatial_transpose", "depthwise", "k.swapaxes(0, 1)"),
            ("weights.permuted", "depthwise", "exchanged(k, 2, 3, 4)"),
        )
    ),
    changed("weights.not_loaded", "mobilenet", "fc7", "fc7", "", "initial(k.shape)"),
    changed("weights.scaled", "dilated", "final", "final", "weak", "k * np.float32(0.9999)"),
    bug("bias.missing", "dilated", "ct_final", how="zeros", then='change(model, "ct_final", lambda k, b: (k, 0 * b))'),
    bug("bias.missing", "mtcnn", "conv5-2", how="zeros", then='change(model, "conv5-2", lambda k, b: (k, 0 * b))'),
    bug(
        "weights.of_other_layer",
        "resnet",
        "bn2a_branch2b+scale2a_branch2b",
        then='other = model.get_layer("bn2a_branch2a").get_weights()\n'
        'change(model, "bn2a_branch2b", lambda *own: tuple(other))',
    ),
    bug(
        "weights.of_other_layer",
        "resnet",
        "bn3a_branch2b+scale3a_branch2b",
        then='other = model.get_layer("bn3a_branch2a").get_weights()\n'
        'change(model, "bn3a_branch2b", lambda *own: tuple(other))',
    ),
    bug(
        "bias.missing",
        "alexnet",
        "conv1+relu1",
        ('strides=2, activation="relu", name="conv1"', 'strides=2, use_bias=False, activation="relu", name="conv1"'),
    ),
    bug("bias.missing", "alexnet", "conv4+relu4", then='change(model, "conv4", lambda k, b: (k, 0 * b))', how="zeros"),
    bug("bias.missing", "alexnet", "fc8", ('Dense(10, name="fc8")', 'Dense(10, use_bias=False, name="fc8")')),
    bug(
        "bias.missing",
        "resnet",
        "conv1",
        (
            'layers.Conv2D(16, 7, strides=2, name="conv1")',
            'layers.Conv2D(16, 7, strides=2, use_bias=False, name="conv1")',
        ),
    ),
    bug(
        "bias.value",
        "alexnet",
        "conv3+relu3",
        then='change(model, "conv3", lambda k, b: (k, np.roll(b, 1)))',
        how="rolled",
    ),
    bug(
        "bias.value",
        "alexnet",
        "fc7+relu7",
        how="one-weak",
        then='change(model, "fc7", lambda k, b: (k, b + 1e-3 * (np.arange(32) == 5)))',
    ),
    bug("bias.value", "resnet", "conv1", then='change(model, "conv1", lambda k, b: (k, 2 * b))', how="twice"),
    bug("bias.value", "resnet", "fc10+prob", then='change(model, "fc10", lambda k, b: (k, b[::-1]))', how="reversed"),
    bug(
        "flatten.order",
        "alexnet",
        "fc6+relu6",
        ('flattened={"fc6": (32, 4, 4)}', "flattened={}"),
        how="rows-columns-channels",
    ),
    bug(
        "flatten.order",
        "alexnet",
        "fc6+relu6",
        ("x = layers.Flatten()(x)", "x = layers.Flatten()(layers.Permute((2, 1, 3))(x))"),
        how="columns-first",
    ),
)
