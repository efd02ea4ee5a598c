"""All intermediates and their comparison, and the whole run, against bare Keras and bare Caffe; whole processes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.speed.timing import CASES, ROOT, Cost, Row, against, harness, in_turn, process, python, row, times
from harness import pipeline
from harness.cases import find_case
from harness.convert.weights import write_weights
from harness.engines.container import image_tag
from harness.layout import channels_last

BARE_CAFFE = """
import time, numpy as np, caffe
caffe.set_mode_cpu()
net = caffe.Net("/in/deploy.prototxt", caffe.TEST)
net.copy_from("/in/weights.caffemodel")
x = np.load("/in/x.npy")
name = net.inputs[0]
net.blobs[name].reshape(*x.shape); net.reshape(); net.blobs[name].data[...] = x
begin = time.time(); net.forward(); print("alone", time.time() - begin)
"""

BARE_KERAS = """
import resource, sys, time
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
from harness.engines.keras import open_model
from harness.convert.weights import load_weights
def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
x = np.load(sys.argv[4])
model = open_model(sys.argv[2], Path("."), x.shape[1:]).model
load_weights(model, sys.argv[3])
begin, before = time.time(), cpu()
model.predict(x, verbose=0)
print("alone", time.time() - begin, cpu() - before)
"""


def alone(cost: Cost) -> Cost:
    """The forward pass's own share, as the process printed it."""
    seconds, *cpu = map(float, cost.out.split("alone")[1].split())
    return replace(cost, seconds=seconds, cpu=cpu[0] if cpu else 0.0)


def measure(*, quick: bool) -> Iterator[Row]:
    """dilation8 at 900×900, where all intermediates take 2 GB."""
    what = f"dilation8_pascal_voc@{'437x437' if quick else '900x900'}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        bare_caffe, bare_keras = _bare(what, folder)

        def ours(*arguments: str) -> Callable[[], Cost]:
            return lambda: harness(*arguments, "--quiet", "--out", folder / "reports")

        jobs = {
            "caffe": bare_caffe,
            "keras": bare_keras,
            "run": ours("run", what),
            "both": ours("compare", what),
            "isolated": ours("compare", what, "--mode", "isolated"),
        }
        costs = in_turn(1 if quick else 3, jobs)
    forward, predict = [alone(one) for one in costs["caffe"]], [alone(one) for one in costs["keras"]]
    bare = [
        Cost(caffe.seconds + keras.seconds + once_more.seconds)
        for caffe, keras, once_more in zip(costs["caffe"], costs["keras"], predict, strict=True)
    ]
    keras = costs["keras"]
    yield row("bare Caffe, container and all", costs["caffe"])
    yield row("its forward pass alone", [replace(one, cpu=0.0, peak=0.0) for one in forward])
    yield row("bare Keras: import, build, load weights, predict", keras)
    yield row("its first predict alone", [replace(one, peak=0.0) for one in predict])
    yield row("harness compare --mode isolated", costs["isolated"], against(costs["isolated"], keras), "≤ 1.15×")
    yield row("harness compare, both modes", costs["both"], against(costs["both"], keras), "≤ 2.2×")
    for mode, label in (("isolated", "isolated"), ("both", "both modes")):
        peak = median(one.peak for one in costs[mode])
        yield Row(f"its peak memory, {label}", 0, 0, peak, f"{times(costs[mode], keras, 'peak'):.2f}×", "≤ 1.15×")
    beside = f"{times(costs['run'], bare):.2f}× bare Caffe + bare Keras + one more predict"
    yield row("harness run", costs["run"], beside, "≤ 1.25×")


def _bare(what: str, folder: Path) -> tuple[Callable[[], Cost], Callable[[], Cost]]:
    """Caffe in its container, and Keras in a process; both print what their forward pass took."""
    case = find_case(what, [CASES])
    ready = pipeline.prepare(case)
    (array,) = ready.inputs.values()
    np.save(folder / "x.npy", array)
    np.save(folder / "x_last.npy", channels_last(array))
    write_weights(ready.network, ready.weights, folder / "w.h5")
    (folder / "bare.py").write_text(BARE_CAFFE)
    mounts = {"deploy.prototxt": case.prototxt, "weights.caffemodel": ready.weights.path}
    mounts |= {"x.npy": folder / "x.npy", "bare.py": folder / "bare.py"}
    volumes = [word for place, path in mounts.items() for word in ("-v", f"{path}:/in/{place}:ro")]
    start = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python3", "-e", "GLOG_minloglevel=2"]
    model = str(case.folder / case.keras)
    return (
        lambda: process([*start, *volumes, image_tag(), "/in/bare.py"]),
        lambda: python(BARE_KERAS, ROOT, model, folder / "w.h5", folder / "x_last.npy"),
    )
