"""RNN."""

from __future__ import annotations

import math

import numpy as np
from support.choice import Choice
from support.table import Entry, lstm, normal, plain
from support.table.lstm import CONT, EXPOSED, SIZE, STATE, N, T, begins, goes_on, large, no_bias, size, weighs

ENTRIES = (
    plain("RNN", "of vectors", ((T, N, 7), CONT), SIZE, draws=(normal, begins)),
    plain("RNN", "all but the first step goes on", ((6, N, 7), (6, N)), SIZE, draws=(normal, goes_on)),
    plain("RNN", "cont is no flag", ((T, N, 7), CONT), SIZE, draws=(normal, weighs)),
    plain("RNN", "one step of one stream", ((1, 1, 3), (1, 1)), SIZE, draws=(normal, begins)),
    plain("RNN", "of pictures", ((T, N, 2, 3, 4), CONT), SIZE, draws=(normal, begins)),
    plain("RNN", "static", ((T, N, 7), CONT, (N, 3, 2)), SIZE, draws=(normal, begins, normal)),
    plain("RNN", "hidden", ((T, N, 7), CONT, STATE), EXPOSED, tops=2, draws=(normal, weighs, normal)),
    plain(
        "RNN", "static and hidden", ((T, N, 7), CONT, (N, 6), STATE), EXPOSED, tops=2, draws=(normal, weighs, normal)
    ),
    plain("RNN", "near zero", ((T, N, 7), CONT), SIZE, draws=(size(1e-5), begins), draw_blobs=no_bias),
    plain("RNN", "saturated", ((8, N, 7), (8, N)), SIZE, draws=(size(3), goes_on), draw_blobs=large),
    plain("RNN", "many steps", ((60, 2, 9), (60, 2)), "recurrent_param { num_output: 24 }", draws=(normal, goes_on)),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other."""
    exposed = "expose_hidden" in entry.parameters
    x, cont, *rest = bottoms
    w_xh, b_h, *w_static, w_hh, w_ho, b_o = blobs
    units = len(b_h)
    h = np.array(rest[-1][0], np.float64) if exposed else np.zeros((x.shape[1], units))
    top = np.zeros((*x.shape[:2], units))
    for t in range(x.shape[0]):
        before, h = h, np.zeros(h.shape)
        for n in range(x.shape[1]):
            for d in range(units):
                z = float(b_h[d]) + dot(w_xh[d], x[t, n]) + float(cont[t, n]) * dot(w_hh[d], before[n])
                z += dot(w_static[0][d], rest[0][n]) if w_static else 0.0
                h[n, d] = math.tanh(z)
            for d in range(units):
                top[t, n, d] = math.tanh(float(b_o[d]) + dot(w_ho[d], h[n]))
    return [top, h[None]] if exposed else [top]


def dot(w, x) -> float:
    """A row times everything in an array."""
    return math.fsum(float(a) * float(b) for a, b in zip(w, np.asarray(x).reshape(-1), strict=True))


def draw(choose: Choice) -> Entry:
    """As an LSTM, with one state in place of two."""
    return lstm.draw(choose, "RNN", states=1)
