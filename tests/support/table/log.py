"""Log."""

from __future__ import annotations

import math

import numpy as np
from support.neurons import HUGE, INFINITE, TINY, ZERO, each, laid_out, log
from support.table import Entry, plain, positive

POSITIVE = (positive,)
NORMAL = (*ZERO, *INFINITE, *HUGE, *TINY, 1.0, 0.9999999, 1.0000001, 2.0, -2.0)
"""Without denormal numbers, of which TensorFlow makes zero and so −∞ (tests/layers/test_neurons.py)."""

ENTRIES = (
    plain("Log", "plain", (2, 3, 4, 5), draws=POSITIVE),
    plain("Log", "of a vector", (2, 7), draws=POSITIVE),
    plain("Log", "of numbers below zero", (1, 3, 4, 5)),
    plain("Log", "base 2", (1, 3, 4, 5), "log_param { base: 2 }", draws=POSITIVE),
    plain("Log", "base 0.1", (1, 3, 4, 5), "log_param { base: 0.1 }", draws=POSITIVE),
    plain("Log", "base 10, scale, shift", (1, 3, 4, 5), "log_param { base: 10 scale: 0.3 shift: 1.7 }", draws=POSITIVE),
    plain("Log", "scale", (1, 3, 4, 5), "log_param { scale: 2.3 }", draws=POSITIVE),
    plain("Log", "scale below zero, shift", (1, 3, 4, 5), "log_param { scale: -0.3 shift: 1.3 }", draws=POSITIVE),
    plain("Log", "shift that cancels", (1, 3, 4, 5), "log_param { shift: -0.7 }", draws=POSITIVE),
    plain("Log", "of every kind but denormal", (1, 3, 4, 5), draws=(laid_out(*NORMAL),)),
    plain(
        "Log",
        "of every kind but denormal, base 3, scale 4, shift 1",
        (1, 3, 4, 5),
        "log_param { base: 3 scale: 4 shift: 1 }",
        draws=(laid_out(*NORMAL),),
    ),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other, with the factor that Caffe makes of its base in float32."""
    spec = entry.net["layer"].parameters.log_param
    factor = 1.0 if spec.base == -1 else float(np.float32(1) / np.float32(math.log(spec.base)))
    return [each(lambda x: factor * log(spec.scale * x + spec.shift), bottoms[0])]
