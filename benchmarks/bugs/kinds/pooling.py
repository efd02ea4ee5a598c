"""Pools: sizes, divisors, and which kind of pool."""

from benchmarks.bugs.bug import Bug, bug, harmless


def floored(net: str, at: str, text: str) -> Bug:
    """A pool that rounds its size down: without padding="same" Keras does."""
    return bug("pooling.rounding", net, at, (text, text.replace(', padding="same"', "")))


DOUBLE = ', padding="same", name="pool3")(x)'

BUGS = (
    floored("alexnet", "pool1", 'layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")'),
    floored("alexnet", "pool2", 'layers.MaxPooling2D(3, strides=2, padding="same", name="pool2")'),
    floored("resnet", "pool1", 'layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")'),
    floored("inception", "pool1", 'layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")'),
    floored("inception", "pool3", 'layers.AveragePooling2D(3, strides=2, padding="same", name="pool3")'),
    bug(
        "pooling.divisor",
        "inception",
        "i4/pool",
        (
            'layers.AveragePooling2D(3, strides=1, name="i4__pool")(layers.ZeroPadding2D(1)(x))',
            'layers.AveragePooling2D(3, strides=1, padding="same", name="i4__pool")(x)',
        ),
        how="same",
    ),
    bug(
        "pooling.divisor",
        "inception",
        "pool3",
        (
            'layers.AveragePooling2D(3, strides=2, padding="same", name="pool3")(x)',
            'layers.AveragePooling2D(3, strides=2, name="pool3")(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))',
        ),
        how="k-squared",
    ),
    bug(
        "pooling.mode",
        "alexnet",
        "pool2",
        (
            'MaxPooling2D(3, strides=2, padding="same", name="pool2")',
            'AveragePooling2D(3, strides=2, padding="same", name="pool2")',
        ),
    ),
    bug("pooling.mode", "resnet", "pool5", ("layers.AveragePooling2D(8", "layers.MaxPooling2D(8")),
    bug(
        "pooling.mode",
        "inception",
        "pool3",
        ("layers.AveragePooling2D(3, strides=2, ", "layers.MaxPooling2D(3, strides=2, "),
    ),
    bug("pooling.mode", "inception", "pool10", ("layers.GlobalAveragePooling2D", "layers.GlobalMaxPooling2D")),
    bug("pooling.mode", "mobilenet", "pool6", ("layers.GlobalAveragePooling2D", "layers.GlobalMaxPooling2D")),
    bug("pooling.mode", "pspnet", "pool_b", ("layers.AveragePooling2D(5", "layers.MaxPooling2D(5")),
    bug(
        "pooling.mode",
        "pspnet",
        "pool_a",
        ("layers.AveragePooling2D(12, strides=13, ", "layers.GlobalAveragePooling2D(keepdims=True, "),
        how="global",
    ),
    bug("pooling.mode", "dilated", "pool1", ("layers.MaxPooling2D(2", "layers.AveragePooling2D(2")),
    bug(
        "padding.value",
        "inception",
        "i4/max",
        (
            'layers.MaxPooling2D(3, strides=1, padding="same", name="i4__max")(one)',
            'layers.MaxPooling2D(3, strides=1, name="i4__max")(layers.ZeroPadding2D(1)(one))',
        ),
        how="zeros",
    ),
    harmless(
        "zeros-before-max-of-rectified",
        "alexnet",
        (
            'layers.MaxPooling2D(3, strides=2, padding="same", name="pool5")(x)',
            'layers.MaxPooling2D(3, strides=2, name="pool5")(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))',
        ),
    ),
    bug("kernel_size", "resnet", "pool1", ("layers.MaxPooling2D(3, strides=2", "layers.MaxPooling2D(2, strides=2")),
    bug(
        "kernel_size",
        "alexnet",
        "pool5",
        (
            'MaxPooling2D(3, strides=2, padding="same", name="pool5")',
            'MaxPooling2D(2, strides=2, padding="same", name="pool5")',
        ),
    ),
    bug("kernel_size", "pspnet", "pool_b", ("layers.AveragePooling2D(5,", "layers.AveragePooling2D(4,")),
    bug("kernel_size", "inception", "i4/max", ("layers.MaxPooling2D(3, strides=1", "layers.MaxPooling2D(5, strides=1")),
    bug(
        "stride",
        "inception",
        "pool1",
        (
            'layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")',
            'layers.MaxPooling2D(3, padding="same", name="pool1")',
        ),
        how="keras-default",
    ),
    bug("stride", "pspnet", "pool_a", ("strides=13", "strides=12"), how="weak"),
)
