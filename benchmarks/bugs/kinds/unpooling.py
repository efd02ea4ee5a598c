"""Values put back at other places than they came from."""

from benchmarks.bugs.bug import bug

UP1, UP2 = "([x, mask1])", "([x, mask2])"
TOP_LEFT = "tf.cast(tf.range(0, 32, 2)[:, None, None] * 40 + tf.range(0, 40, 2)[:, None], x.dtype)"

BUGS = (
    bug("unpooling.mask", "segnet", "upsample1", (UP1, "([x, mask1[:, ::-1]])"), how="upside-down"),
    bug("unpooling.mask", "segnet", "upsample2", (UP2, "([x, mask2[:, :, ::-1]])"), how="mirrored"),
    bug("unpooling.mask", "segnet", "upsample2", (UP2, "([x, mask2[..., ::-1]])"), how="of-other-channels"),
    bug("unpooling.mask", "segnet", "upsample1", (UP1, f"([x, mask1 * 0 + {TOP_LEFT}])"), how="always-top-left"),
    bug("activation.missing", "segnet", "conv1+relu1", ('activation="relu", name="conv1"', 'name="conv1"')),
)
