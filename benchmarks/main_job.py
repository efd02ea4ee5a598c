"""Time and memory of the main job beside the bare tools, each as a whole process, side by side in one run.

    make bench                          # dilation8_pascal_voc at 900×900
    .venv/bin/python benchmarks/main_job.py dilation8_pascal_voc@437x437 3

Prints a table in Markdown; ratios are what to quote, machines differ and are noisy.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent

BARE_CAFFE = """
import sys, time, numpy as np, caffe
caffe.set_mode_cpu()
net = caffe.Net("/in/deploy.prototxt", caffe.TEST)
net.copy_from("/in/weights.caffemodel")
x = np.load("/in/x.npy")
name = net.inputs[0]
net.blobs[name].reshape(*x.shape); net.reshape(); net.blobs[name].data[...] = x
begin = time.time(); net.forward(); print("forward", time.time() - begin)
"""

BARE_KERAS = """
import sys, time
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
from harness.engines.keras import open_model
from harness.convert.weights import load_weights
x = np.load(sys.argv[4])
model = open_model(sys.argv[2], Path("."), x.shape[1:]).model
load_weights(model, sys.argv[3])
begin = time.time(); model.predict(x, verbose=0); print("forward", time.time() - begin)
"""


def timed(command: list[str]) -> tuple[float, float, str]:
    """Seconds and peak GB of a process and what it printed; stops if it fails."""
    begin = time.time()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    )
    out = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)[:200]} left with {process.returncode}\n{out}")
    return time.time() - begin, usage.ru_maxrss / 1e6, out


def forward(out: str) -> float:
    """The forward pass's own seconds."""
    return float(out.split("forward")[1].split()[0])


def main(what: str = "dilation8_pascal_voc", rounds: str = "1") -> None:
    """Measure and print."""
    import numpy as np

    from harness import pipeline
    from harness.cases import find_case
    from harness.convert.weights import write_weights
    from harness.engines.container import image_tag
    from harness.layout import channels_last

    case = find_case(what, [ROOT / "fixtures/models"])
    ready = pipeline.prepare(case)
    figures: dict[str, list[tuple[float, float]]] = {}
    harness = [sys.executable, "-m", "harness"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (array,) = ready.inputs.values()
        np.save(folder / "x.npy", array)
        np.save(folder / "x_last.npy", channels_last(array))
        write_weights(ready.network, ready.weights, folder / "w.h5")
        (folder / "bare.py").write_text(BARE_CAFFE)
        mounts = {"deploy.prototxt": case.prototxt, "weights.caffemodel": ready.weights.path}
        mounts |= {"x.npy": folder / "x.npy", "bare.py": folder / "bare.py"}
        volumes = [word for place, path in mounts.items() for word in ("-v", f"{path}:/in/{place}:ro")]
        caffe = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python3", "-e", "GLOG_minloglevel=2"]
        bare_keras = [sys.executable, "-c", BARE_KERAS, str(ROOT), str(case.folder / case.keras), str(folder / "w.h5")]
        for _ in range(int(rounds)):
            seconds, _, out = timed([*caffe, *volumes, image_tag(), "/in/bare.py"])
            figures.setdefault("bare Caffe, whole container", []).append((seconds, 0.0))
            figures.setdefault("bare Caffe, forward alone", []).append((forward(out), 0.0))
            seconds, peak, out = timed([*bare_keras, str(folder / "x_last.npy")])
            figures.setdefault("bare Keras, whole process", []).append((seconds, peak))
            figures.setdefault("bare Keras, first predict alone", []).append((forward(out), peak))
            for label, arguments in {
                "harness run": ["run", what],
                "harness compare": ["compare", what],
                "harness compare --mode isolated": ["compare", what, "--mode", "isolated"],
                "harness compare --layer conv5_3": ["compare", what, "--layer", "conv5_3"],
            }.items():
                seconds, peak, _ = timed([*harness, *arguments, "--quiet", "--out", str(folder / "reports")])
                figures.setdefault(label, []).append((seconds, peak))
    keras = median(seconds for seconds, _ in figures["bare Keras, whole process"])
    memory = median(peak for _, peak in figures["bare Keras, whole process"])
    print(f"{what}, {rounds} round(s), medians\n")
    print("| what | seconds | against bare Keras | peak GB | against bare Keras |\n| --- | --- | --- | --- | --- |")
    for label, rows in figures.items():
        seconds, peak = median(row[0] for row in rows), median(row[1] for row in rows)
        size = f"{peak:.2f} | {peak / memory:.2f}" if peak else "– | –"
        print(f"| {label} | {seconds:.1f} | {seconds / keras:.2f} | {size} |")
    bare = median(row[0] for row in figures["bare Caffe, whole container"])
    twice = median(row[0] for row in figures["bare Keras, first predict alone"])
    whole = median(row[0] for row in figures["harness run"])
    print(f"\nharness run against bare Caffe + bare Keras + one more predict: {whole / (bare + keras + twice):.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
