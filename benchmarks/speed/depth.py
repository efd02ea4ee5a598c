"""A net of 10, 100 and 1,000 layers, the reference being kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.speed.timing import Row, harness, in_turn, row

DEPTHS = (10, 100, 1000)

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 8, 16, 16] } } }'
PAIR = """
layer {{ name: "conv{n}" type: "Convolution" bottom: "{before}" top: "conv{n}"
  convolution_param {{ num_output: 8 kernel_size: 3 pad: 1 }} }}
layer {{ name: "tanh{n}" type: "TanH" bottom: "conv{n}" top: "tanh{n}" }}
"""
CASE = 'name = "chain"\nprototxt = "deploy.prototxt"\nkeras = "auto"\n[weights]\nseed = 0\n[input]\nseed = 0\n'


def write_chain(folder: Path, layers: int) -> Path:
    """A case of convolutions, each with a TanH behind it, which keeps the numbers from growing."""
    folder.mkdir()
    pairs = (PAIR.format(n=n, before=f"tanh{n - 1}" if n else "data") for n in range(layers // 2))
    (folder / "deploy.prototxt").write_text(f'name: "chain"\n{INPUT}\n{"".join(pairs)}')
    (folder / "case.toml").write_text(CASE)
    return folder


def measure(*, quick: bool) -> Iterator[Row]:
    """Processor time, the start taken off: that of 10 layers is mostly TensorFlow's import."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = {f"{depth} layers": write_chain(folder / f"chain{depth}", depth) for depth in DEPTHS}
        jobs = {
            label: lambda case=case: harness("compare", case, "--quiet", "--out", folder / "report")
            for label, case in cases.items()
        }
        in_turn(1, jobs)  # the references are recorded
        costs = in_turn(1 if quick else 3, jobs)
    rows = {label: row(label, some) for label, some in costs.items()}
    few, some, many = rows.values()
    each = [(some.cpu - few.cpu) / (DEPTHS[1] - DEPTHS[0]), (many.cpu - some.cpu) / (DEPTHS[2] - DEPTHS[1])]
    yield few
    yield Row(some.what, some.seconds, some.cpu, some.peak, f"{1e3 * each[0]:.1f} ms CPU a layer more")
    yield Row(many.what, many.seconds, many.cpu, many.peak, f"{1e3 * each[1]:.1f} ms CPU a layer more", "as before")
