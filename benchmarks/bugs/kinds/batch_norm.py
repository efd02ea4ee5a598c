"""BatchNorm and the Scale behind it."""

from benchmarks.bugs.bug import bug

NORM = 'layers.BatchNormalization(epsilon=1e-5, name="{}")'

BUGS = (
    bug(
        "batch_norm.epsilon", "resnet", "bn_conv1+scale_conv1",
        (NORM.format("bn_conv1"), 'layers.BatchNormalization(epsilon=2e-5, name="bn_conv1")'), how="weak",
    ),
    bug(
        "batch_norm.epsilon", "resnet", "bn3a_branch2b+scale3a_branch2b",
        (NORM.format("bn3a_branch2b"), 'layers.BatchNormalization(name="bn3a_branch2b")'), how="keras-default",
    ),
    bug(
        "batch_norm.order", "resnet", "bn2a_branch2a+scale2a_branch2a", how="mean-variance",
        then='change(model, "bn2a_branch2a", lambda gamma, beta, mean, variance: (gamma, beta, variance, np.abs(mean)))',
    ),
    bug(
        "batch_norm.order", "resnet", "bn2a_branch1+scale2a_branch1", how="gamma-beta",
        then='change(model, "bn2a_branch1", lambda gamma, beta, mean, variance: (beta, gamma, mean, variance))',
    ),
    bug(
        "batch_norm.scale_factor", "resnet", "bn3a_branch1+scale3a_branch1",
        then='change(model, "bn3a_branch1", lambda g, b, m, v: (g, b, m * 999.9823, v * 999.9823))',
    ),
    bug(
        "scale.bias", "resnet", "bn3a_branch2c+scale3a_branch2c",
        then='change(model, "bn3a_branch2c", lambda gamma, beta, mean, variance: (gamma, 0 * beta, mean, variance))',
    ),
    bug(
        "scale.missing", "resnet", "bn3a_branch2a+scale3a_branch2a",
        then='change(model, "bn3a_branch2a", lambda g, b, mean, variance: (0 * g + 1, 0 * b, mean, variance))',
    ),
)  # fmt: skip
