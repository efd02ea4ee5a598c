"""Deconvolutions and interpolation."""

from benchmarks.bugs.bug import bug

UP = 'layers.Conv2DTranspose(5, 4, strides=2, padding="same", use_bias=False, name="upsample"),'
FULL = 'layers.Conv2DTranspose(5, 4, strides=2, use_bias=False, name="upsample"),'
UP1 = 'layers.Conv2DTranspose(8, 3, strides=2, name="up1")(x)\n    x = layers.Cropping2D(1)(x)'
ALIGNED = "tf.raw_ops.ResizeBilinear(images=x, size=self.size, align_corners=True)"
LAST = 'Interp((49, 49), name="conv6_interp")'
BRANCH = 'Interp((25, 25), name="pool_b_interp")'

BUGS = (
    bug("deconvolution.crop", "dilated", "upsample", (UP, f"{FULL} layers.Cropping2D(((0, 2), (0, 2))),"), how="end"),
    bug("deconvolution.crop", "dilated", "upsample", (UP, f"{FULL} layers.Cropping2D(((2, 0), (2, 0))),"), how="start"),
    bug(
        "deconvolution.crop",
        "unet",
        "up1",
        (UP1, UP1.replace("Cropping2D(1)", "Cropping2D(((0, 2), (0, 2)))")),
        how="end",
    ),
    bug(
        "deconvolution.crop",
        "unet",
        "up1",
        (UP1, UP1.replace("Cropping2D(1)", "Cropping2D(((2, 0), (1, 1)))")),
        how="start-rows",
    ),
    bug(
        "deconvolution.crop",
        "unet",
        "up1",
        (
            UP1,
            'layers.Conv2DTranspose(8, 3, strides=2, padding="same", name="up1")(x)\n'
            "    x = layers.Cropping2D(((0, 1), (0, 1)))(x)",
        ),
        how="as-same",
    ),
    bug(
        "deconvolution.weights",
        "dilated",
        "upsample",
        how="every-pair",
        then='change(model, "upsample", lambda k: np.repeat(k.sum(3, keepdims=True), 5, 3))',
    ),
    bug(
        "deconvolution.weights",
        "dilated",
        "upsample",
        how="nearest",
        then="box = np.zeros((4, 4)); box[1:3, 1:3] = 1\n"
        'change(model, "upsample", lambda k: box[:, :, None, None] * np.eye(5))',
    ),
    bug(
        "deconvolution.weights",
        "dilated",
        "upsample",
        how="centre-off",
        then="line = 1 - np.abs(np.arange(4) / 2 - 0.5)\n"
        'change(model, "upsample", lambda k: np.outer(line, line)[:, :, None, None] * np.eye(5))',
    ),
    bug(
        "deconvolution.weights",
        "unet",
        "up_score",
        how="filler-again",
        then="line = np.array([0.25, 0.75, 0.75, 0.25])\n"
        'change(model, "up_score", lambda k: np.outer(line, line)[:, :, None, None] * np.eye(4))',
    ),
    bug(
        "deconvolution.weights",
        "unet",
        "up_score",
        how="group-lost",
        then='change(model, "up_score", lambda k: np.repeat(k.sum(2, keepdims=True), 4, 2))',
    ),
    bug(
        "weights.flip", "unet", "up1", how="deconvolution", then='change(model, "up1", lambda k, b: (k[::-1, ::-1], b))'
    ),
    bug(
        "weights.flip", "unet", "up2", how="deconvolution", then='change(model, "up2", lambda k, b: (k[::-1, ::-1], b))'
    ),
    bug(
        "weights.spatial_transpose",
        "unet",
        "up1",
        how="deconvolution",
        then='change(model, "up1", lambda k, b: (k.swapaxes(0, 1), b))',
    ),
    bug(
        "weights.permuted",
        "unet",
        "up2",
        how="deconvolution",
        then='change(model, "up2", lambda k, b: (exchanged(k, 3), b))',
    ),
    bug("bias.missing", "unet", "up1", how="deconvolution", then='change(model, "up1", lambda k, b: (k, 0 * b))'),
    bug(
        "interpolation",
        "pspnet",
        "conv6_interp",
        (LAST, 'layers.Resizing(49, 49, name="conv6_interp")'),
        how="half-pixel",
    ),
    bug(
        "interpolation",
        "pspnet",
        "conv6_interp",
        (LAST, 'layers.Resizing(49, 49, interpolation="nearest", name="conv6_interp")'),
        how="nearest",
    ),
    bug(
        "interpolation",
        "pspnet",
        "pool_b_interp",
        (BRANCH, 'layers.UpSampling2D(5, name="pool_b_interp")'),
        how="upsampling-nearest",
    ),
    bug(
        "interpolation",
        "pspnet",
        "pool_b_interp",
        (BRANCH, 'layers.UpSampling2D(5, interpolation="bilinear", name="pool_b_interp")'),
        how="upsampling-bilinear",
    ),
    bug(
        "interpolation",
        "pspnet",
        "pool_b_interp",
        (
            BRANCH,
            "layers.Lambda(lambda x: tf.raw_ops.ResizeBilinear(images=x, size=(25, 25), align_corners=False), "
            'name="pool_b_interp")',
        ),
        how="corners-not-aligned",
    ),
)
