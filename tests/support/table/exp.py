"""Exp."""

from __future__ import annotations

import math

import numpy as np
from support.neurons import EVERYTHING, each, exp, laid_out, power, spread
from support.table import Entry, plain

ENTRIES = (
    plain("Exp", "plain", (2, 3, 4, 5)),
    plain("Exp", "of a vector", (2, 7)),
    plain("Exp", "far out", (1, 3, 5, 7), draws=(spread(25),)),
    plain("Exp", "base 2", (1, 3, 4, 5), "exp_param { base: 2 }"),
    plain("Exp", "base 10, scale, shift", (1, 3, 4, 5), "exp_param { base: 10 scale: -0.3 shift: 1.7 }"),
    plain("Exp", "base below one", (1, 3, 4, 5), "exp_param { base: 0.3 scale: 2 }"),
    plain("Exp", "base one", (1, 3, 4, 5), "exp_param { base: 1 scale: 2 }"),
    plain("Exp", "scale", (1, 3, 4, 5), "exp_param { scale: -1.1 }"),
    plain("Exp", "shift", (1, 3, 4, 5), "exp_param { shift: -2.6 }"),
    plain("Exp", "scale zero", (1, 3, 4, 5), "exp_param { scale: 0 shift: 3 }"),
    plain("Exp", "of every kind of number", (1, 3, 4, 5), draws=(laid_out(*EVERYTHING),)),
    plain("Exp", "of every kind, shift 60", (1, 3, 4, 5), "exp_param { shift: 60 }", draws=(laid_out(*EVERYTHING),)),
    plain(
        "Exp",
        "of every kind, base 7, shift −30",
        (1, 3, 4, 5),
        "exp_param { base: 7 scale: 0.7 shift: -30 }",
        draws=(laid_out(*EVERYTHING),),
    ),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other, with the two factors that Caffe makes of its parameters in float32."""
    spec = entry.net["layer"].parameters.exp_param
    base = math.e if spec.base == -1 else spec.base
    inner = float(np.float32(np.float32(math.log(base)) * np.float32(spec.scale)))
    outer = float(np.float32(power(base, spec.shift)))
    return [each(lambda x: outer * exp(inner * x), bottoms[0])]
