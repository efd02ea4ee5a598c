"""Activations: left out, added, another one, another slope."""

from benchmarks.bugs.bug import Bug, bug, harmless


def fused(code: str, net: str, keras: str, at: str, new: str, how: str = "") -> Bug:
    """Another `activation` of one layer that has its rectifier fused."""
    old = f'activation="relu", name="{keras}"'
    return bug(code, net, at, (old, f'{new}name="{keras}"'), how=how)


def own(code: str, net: str, old: str, new: str, at: str, how: str = "") -> Bug:
    """Another layer in place of an activation that stands by itself."""
    return bug(code, net, at, (old, new), how=how)


BUGS = (
    fused("activation.missing", "alexnet", "conv3", "conv3+relu3", ""),
    fused("activation.missing", "alexnet", "fc6", "fc6+relu6", ""),
    fused("activation.missing", "dilated", "ct_conv2_1", "ct_conv2_1+ct_relu2_1", ""),
    fused("activation.missing", "inception", "fire__squeeze", "fire/squeeze+fire/relu_squeeze", ""),
    own("activation.missing", "resnet", '    x = layers.ReLU(name="res2a_relu")(x)\n', "", "res2a_relu"),
    own(
        "activation.missing",
        "resnet",
        '    x = layers.ReLU(name="res3a_branch2b_relu")(x)\n',
        "",
        "res3a_branch2b_relu",
    ),
    own("activation.missing", "mobilenet", '    x = layers.ReLU(name="relu1")(x)\n', "", "relu1"),
    own("activation.missing", "unet", '    x = layers.ReLU(name="relu_u1")(x)\n', "", "relu_u1"),
    own("activation.missing", "detector", '    x = layers.Activation("tanh", name="tanh3")(x)\n', "", "tanh3"),
    own(
        "activation.extra",
        "dilated",
        'layers.Conv2D(5, 1, name="final")',
        'layers.Conv2D(5, 1, activation="relu", name="final")',
        "final",
    ),
    own(
        "activation.extra",
        "dilated",
        'layers.Conv2D(5, 1, name="ct_final")',
        'layers.Conv2D(5, 1, activation="relu", name="ct_final")',
        "ct_final",
    ),
    own(
        "activation.extra",
        "alexnet",
        'layers.Dense(10, name="fc8")',
        'layers.Dense(10, activation="relu", name="fc8")',
        "fc8",
    ),
    own(
        "activation.extra",
        "inception",
        'layers.Conv2D(8, 1, name="i4__proj")',
        'layers.Conv2D(8, 1, activation="relu", name="i4__proj")',
        "i4/proj",
    ),
    own(
        "activation.extra",
        "mobilenet",
        'layers.Conv2D(10, 1, name="fc7")',
        'layers.Conv2D(10, 1, activation="relu", name="fc7")',
        "fc7",
    ),
    own(
        "activation.extra",
        "resnet",
        'name="bn2a_branch2c")(x)\n',
        'name="bn2a_branch2c")(x)\n    x = layers.ReLU()(x)\n',
        "bn2a_branch2c+scale2a_branch2c+res2a",
        "own-layer",
    ),
    own(
        "activation.extra",
        "detector",
        'name="conv3")(x)\n',
        'name="conv3")(x)\n    x = layers.ReLU()(x)\n',
        "conv3+tanh3",
        "own-layer",
    ),
    fused("activation.kind", "alexnet", "conv4", "conv4+relu4", 'activation="elu", ', "elu"),
    fused("activation.kind", "alexnet", "fc7", "fc7+relu7", 'activation="tanh", ', "tanh"),
    fused("activation.kind", "dilated", "conv5_1", "conv5_1+relu5_1", 'activation="swish", ', "swish"),
    fused("activation.kind", "inception", "conv10", "conv10+relu_conv10", 'activation="softplus", ', "softplus"),
    own(
        "activation.kind",
        "mobilenet",
        'layers.ReLU(name="relu1")',
        'layers.ReLU(max_value=2.0, name="relu1")',
        "relu1",
        "capped",
    ),
    own(
        "activation.kind",
        "resnet",
        'layers.ReLU(name="res2a_relu")',
        'layers.Activation("gelu", name="res2a_relu")',
        "res2a_relu",
        "gelu",
    ),
    own(
        "activation.kind",
        "detector",
        'layers.Activation("tanh", name="tanh3")',
        'layers.Activation("sigmoid", name="tanh3")',
        "tanh3",
        "sigmoid",
    ),
    own(
        "activation.kind",
        "arithmetic",
        'layers.Activation("sigmoid", name="prob")',
        'layers.Activation("hard_sigmoid", name="prob")',
        "prob",
        "hard",
    ),
    own("activation.slope", "detector", "LeakyReLU(negative_slope=0.1, ", "LeakyReLU(", "relu1", "keras-default"),
    own(
        "activation.slope",
        "detector",
        "LeakyReLU(negative_slope=0.1, ",
        "LeakyReLU(negative_slope=0.1001, ",
        "relu1",
        "weak",
    ),
    own(
        "activation.slope",
        "detector",
        'layers.LeakyReLU(negative_slope=0.01, name="relu4")',
        'layers.ReLU(name="relu4")',
        "relu4",
        "lost",
    ),
    own(
        "activation.slope",
        "detector",
        "LeakyReLU(negative_slope=0.01, ",
        "LeakyReLU(negative_slope=0.2, ",
        "relu4",
        "tensorflows",
    ),
    own("activation.slope", "detector", "ELU(alpha=0.5, ", "ELU(", "elu2", "elu-default"),
    own("activation.slope", "detector", "ELU(alpha=0.5, ", "ELU(alpha=0.5005, ", "elu2", "elu-weak"),
    bug(
        "prelu.shared",
        "mtcnn",
        "prelu1",
        ('PReLU(shared_axes=[1, 2], name="prelu1")', 'PReLU(shared_axes=[1, 2, 3], name="prelu1")'),
        how="one",
    ),
    bug(
        "prelu.shared",
        "mtcnn",
        "prelu3",
        ('PReLU(shared_axes=[1, 2], name="prelu3")', 'PReLU(shared_axes=[1, 2, 3], name="prelu3")'),
        how="one",
    ),
    bug(
        "prelu.shared", "mtcnn", "prelu4", ('PReLU(name="prelu4")', 'PReLU(shared_axes=[1], name="prelu4")'), how="one"
    ),
    bug(
        "prelu.shared",
        "mtcnn",
        "prelu2",
        ('PReLU(shared_axes=[1, 2], name="prelu2")', 'PReLU(name="prelu2")'),
        how="elements",
        then='change(model, "prelu2", lambda a: np.repeat(a[0, 0], 21 * 21).reshape(a.shape))',
    ),
    harmless(
        "slope-per-element-all-alike", "mtcnn", ('PReLU(shared_axes=[1, 2], name="prelu2")', 'PReLU(name="prelu2")')
    ),
)
