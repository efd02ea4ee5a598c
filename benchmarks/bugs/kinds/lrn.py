"""Local response normalization."""

from benchmarks.bugs.bug import bug

NORM1, NORM2 = 'LRN(2, 1.0, 1e-4 / 5, 0.75, name="norm1")', 'LRN(1, 2.0, 5e-4 / 3, 0.75, name="norm2")'
WITHIN = (
    'layers.Lambda(lambda x: x / (2.0 + 5e-4 * keras.ops.average_pool(x * x, 3, 1, padding="same")) ** 0.75, '
    'name="norm2")'
)

BUGS = (
    bug("lrn.alpha", "alexnet", "norm1", (NORM1, NORM1.replace("1e-4 / 5", "1e-4")), how="not-divided"),
    bug("lrn.alpha", "alexnet", "norm2", (NORM2, NORM2.replace("5e-4 / 3", "5e-4")), how="not-divided"),
    bug("lrn.alpha", "alexnet", "norm2", (NORM2, NORM2.replace("5e-4 / 3", "1e-4 / 3")), how="of-norm1"),
    bug("lrn.size", "alexnet", "norm1", (NORM1, NORM1.replace("LRN(2", "LRN(5")), how="as-radius"),
    bug("lrn.size", "alexnet", "norm2", (NORM2, NORM2.replace("LRN(1", "LRN(3")), how="as-radius"),
    bug("lrn.bias", "alexnet", "norm2", (NORM2, NORM2.replace("LRN(1, 2.0", "LRN(1, 1.0")), how="one"),
    bug("lrn.bias", "alexnet", "norm1", (NORM1, NORM1.replace("LRN(2, 1.0", "LRN(2, 1.001")), how="weak"),
    bug("lrn.region", "alexnet", "norm2", (NORM2, WITHIN)),
)
