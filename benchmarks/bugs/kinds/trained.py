"""Bugs in conversions of trained models: the harness' own source and weights, changed. Needs HARNESS_MODEL_ZOO."""

import os
from pathlib import Path

from benchmarks.bugs.bug import bug
from benchmarks.bugs.net import Net
from harness.caffe import read_network
from harness.convert.plan import plan
from harness.convert.source import write_source
from harness.data import Case, InputSource, WeightsSource

ZOO = os.environ.get("HARNESS_MODEL_ZOO")

LOADING = """

def get_model():
    from pathlib import Path

    import numpy as np

    from benchmarks.bugs.loading import change, exchanged, initial
    from harness.convert.weights import load_weights

    model = converted()
    load_weights(model, Path(__file__).with_name("weights.h5"))
    return model
"""


def trained(name: str) -> Net:
    """A trained model of the zoo and its conversion."""
    folder = Path(ZOO or "") / name
    source = write_source(plan(read_network(folder / "deploy.prototxt"))).replace("def get_model(", "def converted(")
    case = Case(
        name=name,
        folder=folder,
        prototxt=folder / "deploy.prototxt",
        keras="",
        keras_weights="own",
        weights=WeightsSource(caffemodel=folder / "weights.caffemodel"),
        input=InputSource(seed=0),
    )
    return Net(name, "", {"port": source + LOADING}, case=case, converted=True)


LENET, RNET, ONET, RETINA = "lenet_kaffe", "mtcnn_det2", "mtcnn_det3", "retinaface_mnet25"
NETS = tuple(trained(name) for name in (LENET, RNET, ONET, RETINA)) if ZOO else ()

FIRST_NORM = 'layers.BatchNormalization(epsilon=1e-05, name="mobilenet0_batchnorm0_fwd")'
NORM = "mobilenet0_batchnorm{0}_fwd"

BUGS = (
    (
        bug(
            "pooling.mode",
            RNET,
            "pool1",
            ("layers.MaxPooling2D(3, strides=2, padding", "layers.AveragePooling2D(3, strides=2, padding"),
        ),
        bug("prelu.shared", RNET, "prelu1", then='change(model, "prelu1", lambda a: 0 * a + a.mean())', how="one"),
        bug(
            "weights.permuted",
            RNET,
            "conv2",
            then='change(model, "conv2", lambda k, b: (exchanged(k, 3, 7, 8), b))',
            how="two-outputs",
        ),
        bug(
            "weights.spatial_transpose",
            ONET,
            "conv2",
            then='change(model, "conv2", lambda k, b: (k.swapaxes(0, 1), b))',
        ),
        bug("weights.flip", ONET, "conv3", then='change(model, "conv3", lambda k, b: (k[::-1, ::-1], b))'),
        bug("bias.missing", ONET, "conv1", then='change(model, "conv1", lambda k, b: (k, 0 * b))'),
        bug(
            "weights.scaled",
            RNET,
            "conv3",
            then='change(model, "conv3", lambda k, b: (k * np.float32(1.001), b))',
            how="weak",
        ),
        bug(
            "flatten.order",
            ONET,
            "conv5",
            then='change(model, "conv5", lambda k, b: (k.reshape(3, 3, 128, -1).transpose(2, 0, 1, 3).reshape(k.shape), b))',
        ),
        bug("activation.missing", LENET, "ip1+relu1", ('500, activation="relu", name="ip1"', '500, name="ip1"')),
        bug(
            "weights.not_loaded", LENET, "conv2", then='change(model, "conv2", lambda k, b: (initial(k.shape), 0 * b))'
        ),
        bug(
            "batch_norm.epsilon",
            RETINA,
            "mobilenet0_batchnorm0_fwd",
            (FIRST_NORM, FIRST_NORM.replace("1e-05", "2e-05")),
            how="weak",
        ),
        bug(
            "batch_norm.epsilon",
            RETINA,
            "rf_c1_aggr_bn",
            ('epsilon=2e-05, name="rf_c1_aggr_bn"', 'epsilon=1e-03, name="rf_c1_aggr_bn"'),
            how="keras-default",
        ),
        bug(
            "batch_norm.order",
            RETINA,
            "mobilenet0_batchnorm1_fwd",
            then=f'change(model, "{NORM.format(1)}", lambda g, b, m, v: (g, b, v, np.abs(m)))',
            how="mean-variance",
        ),
        bug(
            "softmax.axis",
            RETINA,
            "face_rpn_cls_prob_stride8",
            (
                'layers.Softmax(axis=1, name="face_rpn_cls_prob_stride8")',
                'layers.Softmax(axis=2, name="face_rpn_cls_prob_stride8")',
            ),
        ),
        bug(
            "deconvolution.weights",
            RETINA,
            "rf_c2_upsampling",
            then='change(model, "rf_c2_upsampling", lambda k: np.repeat(k.sum(3, keepdims=True), 64, 3))',
            how="group-lost",
        ),
    )
    if ZOO
    else ()
)
