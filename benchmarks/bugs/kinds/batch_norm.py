"""BatchNorm and the Scale behind it."""

from benchmarks.bugs.bug import bug

NORM = 'layers.BatchNormalization(epsilon=1e-5, name="{}")'

INIT = 'layers.BatchNormalization(epsilon=1e-5, name="{0}")(x)'
DETECTOR = 'layers.BatchNormalization(epsilon=1e-5, name="bn1")(x)'

BUGS = (
    bug(
        "batch_norm.mode",
        "resnet",
        "bn_conv1+scale_conv1",
        (INIT.format("bn_conv1"), INIT.format("bn_conv1")[:-3] + "(x, training=True)"),
    ),
    bug("batch_norm.mode", "detector", "bn1+scale1", (DETECTOR, DETECTOR[:-3] + "(x, training=True)")),
    bug(
        "batch_norm.epsilon",
        "mobilenet",
        "conv6/dw/bn+conv6/dw/scale",
        (
            'layers.BatchNormalization(epsilon=epsilon, name=f"conv{tag}__dw__bn")',
            'layers.BatchNormalization(epsilon=1e-5 if tag == "6" else epsilon, name=f"conv{tag}__dw__bn")',
        ),
        how="caffe-default",
    ),
    bug(
        "batch_norm.epsilon",
        "mobilenet",
        "conv6/sep/bn+conv6/sep/scale",
        (
            'layers.BatchNormalization(epsilon=epsilon, name=f"conv{tag}__sep__bn")',
            'layers.BatchNormalization(epsilon=1e-3 if tag == "6" else epsilon, name=f"conv{tag}__sep__bn")',
        ),
        how="keras-default",
    ),
    bug(
        "batch_norm.epsilon",
        "detector",
        "bn1",
        (DETECTOR, DETECTOR.replace("1e-5", "2e-5")),
        how="weak",
    ),
    bug("batch_norm.epsilon", "pspnet", "conv1_bn", ("factor + 1e-5)", "factor + 1e-3)"), how="own-layer"),
    bug("batch_norm.scale_factor", "pspnet", "conv1_bn", ("factor = 1 / self.factor", "factor = 1.0"), how="own-layer"),
    bug(
        "batch_norm.scale_factor",
        "mobilenet",
        "conv2_1/dw/bn+conv2_1/dw/scale",
        how="variance-only",
        then='change(model, "conv2_1__dw__bn", lambda g, b, m, v: (g, b, m, v * 999.9823))',
    ),
    bug("scale.missing", "pspnet", "conv1_scale", ('    x = Scale(name="conv1_scale")(x)\n', "")),
    bug(
        "scale.bias",
        "mobilenet",
        "conv1/bn+conv1/scale",
        then='change(model, "conv1__bn", lambda g, b, m, v: (g, 0 * b, m, v))',
    ),
    bug(
        "batch_norm.epsilon",
        "resnet",
        "bn_conv1+scale_conv1",
        (NORM.format("bn_conv1"), 'layers.BatchNormalization(epsilon=2e-5, name="bn_conv1")'),
        how="weak",
    ),
    bug(
        "batch_norm.epsilon",
        "resnet",
        "bn3a_branch2b+scale3a_branch2b",
        (NORM.format("bn3a_branch2b"), 'layers.BatchNormalization(name="bn3a_branch2b")'),
        how="keras-default",
    ),
    bug(
        "batch_norm.order",
        "resnet",
        "bn2a_branch2a+scale2a_branch2a",
        how="mean-variance",
        then='change(model, "bn2a_branch2a", lambda gamma, beta, mean, variance: (gamma, beta, variance, np.abs(mean)))',
    ),
    bug(
        "batch_norm.order",
        "resnet",
        "bn2a_branch1+scale2a_branch1",
        how="gamma-beta",
        then='change(model, "bn2a_branch1", lambda gamma, beta, mean, variance: (beta, gamma, mean, variance))',
    ),
    bug(
        "batch_norm.scale_factor",
        "resnet",
        "bn3a_branch1+scale3a_branch1",
        then='change(model, "bn3a_branch1", lambda g, b, m, v: (g, b, m * 999.9823, v * 999.9823))',
    ),
    bug(
        "scale.bias",
        "resnet",
        "bn3a_branch2c+scale3a_branch2c",
        then='change(model, "bn3a_branch2c", lambda gamma, beta, mean, variance: (gamma, 0 * beta, mean, variance))',
    ),
    bug(
        "scale.missing",
        "resnet",
        "bn3a_branch2a+scale3a_branch2a",
        then='change(model, "bn3a_branch2a", lambda g, b, mean, variance: (0 * g + 1, 0 * b, mean, variance))',
    ),
)
