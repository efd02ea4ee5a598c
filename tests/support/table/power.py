"""Power."""

from __future__ import annotations

from support.neurons import EVERYTHING, HUGE, INFINITE, TINY, ZERO, each, laid_out, power
from support.table import Entry, plain, positive

POSITIVE = (positive,)
ANY = (laid_out(*EVERYTHING),)
NORMAL = (laid_out(*ZERO, *INFINITE, *HUGE, *TINY, 1.0, -1.0, 2.0, -2.0, 4.0, -8.0),)
"""Without denormal numbers, of which TensorFlow makes zero and so ∞ (tests/layers/test_neurons.py)."""


def entry(id: str, parameters: str, draws=None, shape=(1, 3, 4, 5)) -> Entry:
    more = {} if draws is None else {"draws": draws}
    return plain("Power", id, shape, f"power_param {{ {parameters} }}", **more)


ENTRIES = (
    entry("nothing to do", ""),
    entry("scale", "scale: -2.3", shape=(2, 3, 4, 5)),
    entry("shift", "shift: 0.7"),
    entry("scale and shift", "scale: 0.1 shift: -0.3"),
    entry("of a vector, scale and shift", "scale: 3 shift: 1", shape=(2, 7)),
    entry("2", "power: 2", shape=(2, 3, 4, 5)),
    entry("2, scale and shift", "power: 2 scale: 0.3 shift: -1.1"),
    entry("3, negative bases", "power: 3 scale: 2"),
    entry("-1", "power: -1", POSITIVE),
    entry("-1, negative bases", "power: -1"),
    entry("0.5", "power: 0.5", POSITIVE),
    entry("0.5, negative bases", "power: 0.5"),
    entry("-0.75, as in a normalisation", "power: -0.75 scale: 0.0001 shift: 1", POSITIVE),
    entry("1.7, of a vector", "power: 1.7 scale: 2", POSITIVE, shape=(3, 6)),
    entry("0", "power: 0 scale: 2 shift: 1"),
    entry("scale zero", "power: 2 scale: 0 shift: -3"),
    entry("1, scale zero", "scale: 0 shift: 0.3"),
    entry("0.5, scale zero, negative base", "power: 0.5 scale: 0 shift: -3"),
    entry("power · scale too small for float32", "power: 1e-30 scale: 1e-30 shift: 3"),
    entry("0 of every kind of number", "power: 0", ANY),
    entry("1 of every kind of number", "scale: 1e6 shift: 1e-3", ANY),
    entry("1 of every kind of number, no shift", "scale: 1e6", ANY),
    entry("2 of every kind of number", "power: 2", ANY),
    entry("3 of every kind of number", "power: 3 scale: -0.5", ANY),
    entry("0.5 of every kind of number", "power: 0.5", (laid_out(*(abs(x) for x in EVERYTHING)),)),
    entry("scale zero of every kind of number", "power: 2 scale: 0 shift: 3", ANY),
    entry("-1 of every kind but denormal", "power: -1", NORMAL),
    entry("-2.5 of every kind but denormal", "power: -2.5", NORMAL),
    entry("-2, too large inside", "power: -2 scale: 1e30", (laid_out(1e10, 1e8, 1.0, 3.0, -1e10),)),
    entry("0.5, too large inside", "power: 0.5 scale: 4", (laid_out(3e38, -3e38, 1e38, 1e37, 1.0),)),
    entry("0.3 of every kind but denormal", "power: 0.3", NORMAL),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other; where the bottom has no say, Caffe does not look at it."""
    spec = entry.net["layer"].parameters.power_param
    if "too small" in entry.id or spec.power == 0 or spec.scale == 0:
        return [each(lambda x: 1.0 if spec.power == 0 else power(spec.shift, spec.power), bottoms[0])]
    return [each(lambda x: power(spec.scale * x + spec.shift, spec.power), bottoms[0])]
