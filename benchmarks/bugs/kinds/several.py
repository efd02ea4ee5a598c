"""Several bugs in one port: in one layer, in two, in three and four."""

from itertools import combinations

from benchmarks.bugs.bug import Bug, bug, together
from benchmarks.bugs.kinds import (
    activations,
    arithmetic,
    batch_norm,
    deconvolution,
    geometry,
    inputs,
    joining,
    lrn,
    weights,
)


def named(*names: str) -> Bug:
    """Bugs of the other files, together in one port."""
    return together(*(_SINGLE[name] for name in names))


_SINGLE = {
    one.name: one
    for family in (activations, arithmetic, batch_norm, deconvolution, geometry, inputs, joining, lrn, weights)
    for one in family.BUGS
}

RESNET = (
    "padding.same-resnet-conv1",
    "batch_norm.epsilon-resnet-bn3a_branch2b+scale3a_branch2b-keras-default",
    "weights.flip-resnet-res2a_branch2b",
    "activation.missing-resnet-res2a_relu",
    "scale.bias-resnet-bn3a_branch2c+scale3a_branch2c",
    "eltwise.operation-resnet-res3a-prod",
)
ALEXNET = (
    "input.scale-alexnet-data-0-1",
    "lrn.alpha-alexnet-norm1-not-divided",
    "groups-alexnet-conv2+relu2-lost",
    "weights.permuted-alexnet-conv3+relu3-two-outputs",
    "flatten.order-alexnet-fc6+relu6-rows-columns-channels",
    "bias.missing-alexnet-fc8",
)

CHANGE = 'change(model, "{}", lambda k, b: ({}, {}))'


def in_one_layer(net: str, keras: str, at: str, first: tuple[str, str], second: tuple[str, str]) -> Bug:
    """Two bugs of one layer's weights, the kernel's and the bias's."""
    return together(
        bug(first[0], net, at, how="kernel", then=CHANGE.format(keras, first[1], "b")),
        bug(second[0], net, at, how="bias", then=CHANGE.format(keras, "k", second[1])),
    )


BUGS = (
    *(named(*pair) for pair in combinations(RESNET, 2)),
    *(named(*pair) for pair in combinations(ALEXNET, 2)),
    named(*RESNET[:3]),
    named(*RESNET[2:5]),
    named(*RESNET[:4]),
    named(*ALEXNET[:3]),
    named(*ALEXNET[1:5]),
    in_one_layer("alexnet", "conv3", "conv3+relu3", ("weights.flip", "k[::-1, ::-1]"), ("bias.missing", "0 * b")),
    in_one_layer(
        "alexnet", "conv1", "conv1+relu1", ("weights.spatial_transpose", "k.swapaxes(0, 1)"), ("bias.value", "2 * b")
    ),
    in_one_layer("resnet", "conv1", "conv1", ("weights.scaled", "k * 2"), ("bias.missing", "0 * b")),
    in_one_layer("dilated", "final", "final", ("weights.permuted", "exchanged(k, 3)"), ("bias.missing", "0 * b")),
    together(
        bug("padding.same", "resnet", "conv1", *geometry.SAME7),
        bug("weights.flip", "resnet", "conv1", then='change(model, "conv1", lambda k, b: (k[::-1, ::-1], b))'),
    ),
    together(
        bug("padding.same", "resnet", "conv1", *geometry.SAME7),
        bug("bias.missing", "resnet", "conv1", then='change(model, "conv1", lambda k, b: (k, 0 * b))'),
    ),
    together(
        bug("dilation", "dilated/functional", "conv5_1", ('3, dilation_rate=2, name="five_a"', '3, name="five_a"')),
        bug("bias.missing", "dilated/functional", "conv5_1", then='change(model, "five_a", lambda k, b: (k, 0 * b))'),
    ),
    together(
        bug(
            "batch_norm.epsilon", "resnet", "bn_conv1+scale_conv1", ('epsilon=1e-5, name="bn_conv1"', 'name="bn_conv1"')
        ),
        bug(
            "scale.bias",
            "resnet",
            "bn_conv1+scale_conv1",
            then='change(model, "bn_conv1", lambda g, b, m, v: (g, 0 * b, m, v))',
        ),
    ),
)
