"""Public trained nets read as Caffe 1.0.0 reads them; the figures are what its Python interface said."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from harness.caffe import load_weights, read_network
from harness.data import Shape

ZOO = os.environ.get("HARNESS_MODEL_ZOO")

pytestmark = [pytest.mark.zoo, pytest.mark.skipif(not ZOO, reason="HARNESS_MODEL_ZOO is not set")]


class Figures(NamedTuple):
    """What Caffe says of a net; its Split layers are not counted."""

    layers: int
    in_place: int
    input: tuple[str, Shape]
    parameters: int
    sum: float  # of all parameters, in float64


CAFFE = {
    "cv_3d_triplet": Figures(10, 3, ("input:data", (1, 1, 64, 64)), 307722, 24.625188186200198),
    "demosaic_bayer": Figures(41, 16, ("mosaick", (1, 3, 128, 128)), 560886, 102.88645972041748),
    "enet_cityscapes_bnmerged": Figures(210, 0, ("data", (1, 3, 512, 1024)), 382328, 23804801.722321037),
    "hyperlpr_Segmentation": Figures(13, 0, ("input:data", (1, 1, 22, 22)), 69043, -188.74388546911086),
    "lenet_kaffe": Figures(9, 1, ("data", (1, 1, 28, 28)), 431080, -14.88908885100161),
    "mlp_kaffe": Figures(5, 1, ("data", (1, 2)), 39, -0.9311679843813181),
    "mtcnn_det1": Figures(11, 3, ("input:data", (1, 3, 12, 12)), 6632, -43.12531704072171),
    "mtcnn_det2": Figures(14, 4, ("input:data", (1, 3, 24, 24)), 100178, -178.50655001851723),
    "mtcnn_det3": Figures(19, 6, ("input:data", (1, 3, 48, 48)), 389040, -354.4394963189432),
    "retinaface_mnet25": Figures(210, 47, ("data", (1, 3, 416, 288)), 435999, 188230.36050795103),
    "squeezenet_v1.0_deepcompressed": Figures(66, 27, ("input:data", (1, 3, 227, 227)), 1248424, -2421.507268368207),
    "ulfg_slim320": Figures(77, 0, ("input", (1, 3, 240, 320)), 257916, -874.0272221769025),
    "vdsr": Figures(41, 19, ("input:data", (1, 1, 256, 256)), 665921, -56.269113673181934),
}


@pytest.mark.parametrize("model", CAFFE)
def test_net_is_read_as_caffe_reads_it(model: str) -> None:
    folder = Path(ZOO or "") / model
    network = read_network(folder / "deploy.prototxt")
    weights = load_weights(folder / "weights.caffemodel")
    blobs = [blob for layer in network.layers for blob in weights.of(layer.name)]
    figures = Figures(
        layers=len(network.layers),
        in_place=sum(layer.in_place for layer in network.layers),
        input=next((str(top), shape) for top, shape in network.inputs.items()),
        parameters=sum(blob.size for blob in blobs),
        sum=math.fsum(float(blob.sum(dtype=np.float64)) for blob in blobs),
    )
    assert figures._replace(sum=0) == CAFFE[model]._replace(sum=0)
    assert figures.sum == pytest.approx(CAFFE[model].sum, rel=1e-12)


def test_every_model_of_the_folder_is_known() -> None:
    assert {path.parent.name for path in Path(ZOO or "").glob("*/deploy.prototxt")} == set(CAFFE)
