"""The text of a pytest that holds the Keras layers against Caffe's top, with what rounding explains written out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from harness.reproduce.held import Steps

TEMPLATE = Path(__file__).with_name("layer_test.txt")

SEGMENT = '''\
def keras_tops():
    """What the Keras layers compute of Caffe's bottoms."""
    segment = keras.models.load_model(HERE / "segment.keras", compile=False)
    feeds = [as_keras(np.load(HERE / name), held) for name, held in BOTTOMS]
    try:
        made = segment(feeds if len(feeds) > 1 else feeds[0])
    except Exception as error:
        pytest.fail(f"Keras cannot compute it from Caffe's bottoms: {error}")
    return [np.array(one) for one in keras.tree.flatten(made)]
'''

RECORDED = '''\
def keras_tops():
    """What the Keras layers computed of Caffe's bottoms when this was written: they cannot be saved by themselves."""
    return [np.load(HERE / f"candidate_{name}") for name in TOPS]
'''

REFUSED = '''\
def keras_tops():
    """Keras could not compute anything of Caffe's bottoms when this was written."""
    pytest.fail({said})
'''

CAFFE = """

def test_caffe_computes_its_top_again():
    caffe = pytest.importorskip("caffe", reason="pycaffe is not at hand")
    net = caffe.Net(*[str(HERE / name) for name in {files}], caffe.TEST)
    for blob, name in {bottoms}.items():
        net.blobs[blob].data[...] = np.load(HERE / name)
    net.forward()
    for blob, name in {tops}.items():
        hold("Caffe now", net.blobs[blob].data, name)
"""


@dataclass(frozen=True)
class Check:
    """What the test is to say."""

    bottoms: Sequence[tuple[str, Steps]]  # files, as the Keras layers read them
    tops: Mapping[str, Steps]  # by file
    limits: Mapping[str, Mapping[str, float]]  # by top's file
    reason: str  # of the limits
    saved: bool  # whether there is a segment.keras
    refusal: str | None = None  # what Keras said where it could compute nothing
    own_layers: bool = False  # whether layers of the harness are in it
    caffe_files: tuple[str, ...] = ()  # prototxt and caffemodel; none where a plain Caffe cannot run them
    caffe_bottoms: Mapping[str, str] = field(default_factory=dict)  # file by blob
    caffe_tops: Mapping[str, str] = field(default_factory=dict)


def write_test(check: Check) -> str:
    """The file's text."""
    imports = ["import keras"] if check.saved else []
    imports += ["import numpy as np", "import pytest"]
    if check.own_layers:
        imports += ["", "import harness.keras_layers  # noqa: F401, registers the layers that Keras lacks"]
    needs = "Keras and TensorFlow" if check.saved else "and nothing else"
    caffe = CAFFE.format(
        files=json.dumps(check.caffe_files),
        bottoms=json.dumps(dict(check.caffe_bottoms)),
        tops=json.dumps(dict(check.caffe_tops)),
    )
    keras = SEGMENT if check.saved else RECORDED
    if check.refusal is not None:
        keras = REFUSED.format(said=json.dumps(check.refusal, ensure_ascii=False))
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        needs=f"{needs}, and caffe-keras-parity for layers that Keras lacks" if check.own_layers else needs,
        imports="\n".join(imports),
        bottoms="\n".join(["[", *(f'    ("{name}", {steps}),' for name, steps in check.bottoms), "]"]),
        tops=_lines({name: str(steps) for name, steps in check.tops.items()}),
        reason=check.reason,
        limits=_lines({name: json.dumps(dict(limits)) for name, limits in check.limits.items()}),
        keras=keras,
        caffe=caffe if check.caffe_files else "",
    )


def _lines(entries: Mapping[str, str]) -> str:
    return "\n".join(["{", *(f'    "{name}": {text},' for name, text in entries.items()), "}"])
