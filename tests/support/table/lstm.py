"""LSTM."""

from __future__ import annotations

import math

import numpy as np
from support.choice import Choice, sizes
from support.table import Draw, Entry, normal, plain

T, N, D = 4, 3, 5
CONT, STATE = (T, N), (1, N, D)
SIZE = f"recurrent_param {{ num_output: {D} }}"
EXPOSED = f"recurrent_param {{ num_output: {D} expose_hidden: true }}"


def begins(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """0 where a sequence begins: at the first step, and here and there behind it."""
    cont = (rng.uniform(size=shape) > 0.3).astype(float)
    cont[0] = 0
    return cont


def goes_on(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """1 everywhere but for the first step, as most nets are fed."""
    cont = np.ones(shape)
    cont[0] = 0
    return cont


def weighs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers in 0 … 1.5: Caffe multiplies, whatever cont holds."""
    return rng.uniform(0, 1.5, size=shape)


def size(factor: float) -> Draw:
    """Normal numbers of this size."""
    return lambda rng, shape: factor * rng.normal(size=shape)


def no_bias(rng: np.random.Generator, shapes):
    """Small kernels alone, so that the cell stays near zero."""
    return [np.zeros(shape) if len(shape) == 1 else rng.normal(size=shape) / 8 for shape in shapes]


def large(rng: np.random.Generator, shapes):
    """Kernels that saturate the gates."""
    return [4 * rng.normal(size=shape) for shape in shapes]


ENTRIES = (
    plain("LSTM", "of vectors", ((T, N, 7), CONT), SIZE, draws=(normal, begins)),
    plain("LSTM", "all but the first step goes on", ((6, N, 7), (6, N)), SIZE, draws=(normal, goes_on)),
    plain("LSTM", "nothing begins", ((T, N, 7), CONT), SIZE, draws=(normal, lambda rng, shape: np.ones(shape))),
    plain("LSTM", "cont is no flag", ((T, N, 7), CONT), SIZE, draws=(normal, weighs)),
    plain("LSTM", "one step", ((1, 4, 3), (1, 4)), SIZE, draws=(normal, begins)),
    plain("LSTM", "one stream", ((5, 1, 3), (5, 1)), SIZE, draws=(normal, begins)),
    plain("LSTM", "of pictures", ((T, N, 2, 3, 4), CONT), SIZE, draws=(normal, begins)),
    plain("LSTM", "of a rank of four", ((T, N, 3, 2), CONT), SIZE, draws=(normal, begins)),
    plain("LSTM", "static", ((T, N, 7), CONT, (N, 6)), SIZE, draws=(normal, begins, normal)),
    plain("LSTM", "static picture", ((T, N, 4), CONT, (N, 2, 3, 2)), SIZE, draws=(normal, begins, normal)),
    plain("LSTM", "hidden", ((T, N, 7), CONT, STATE, STATE), EXPOSED, tops=3, draws=(normal, begins, normal)),
    plain("LSTM", "hidden goes on", ((T, N, 7), CONT, STATE, STATE), EXPOSED, tops=3, draws=(normal, weighs, normal)),
    plain(
        "LSTM",
        "static and hidden",
        ((T, N, 2, 3), CONT, (N, 6), STATE, STATE),
        EXPOSED,
        tops=3,
        draws=(normal, weighs, normal),
    ),
    plain("LSTM", "near zero", ((T, N, 7), CONT), SIZE, draws=(size(1e-5), begins), draw_blobs=no_bias),
    plain("LSTM", "saturated", ((8, N, 7), (8, N)), SIZE, draws=(size(3), goes_on), draw_blobs=large),
    plain(
        "LSTM",
        "many steps",
        ((60, 2, 9), (60, 2)),
        "recurrent_param { num_output: 24 }",
        draws=(normal, goes_on),
    ),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other."""
    exposed = "expose_hidden" in entry.parameters
    x, cont, *rest = bottoms
    w_xc, b_c, *w_static, w_hc = blobs
    units = w_hc.shape[1]
    states = rest[-2:] if exposed else [np.zeros((1, x.shape[1], units))] * 2
    h, c = (np.array(state[0], np.float64) for state in states)
    top = np.zeros((*x.shape[:2], units))
    for t in range(x.shape[0]):
        before, h = h, np.zeros(h.shape)
        for n in range(x.shape[1]):
            z = [float(b) for b in b_c]
            for row in range(4 * units):
                z[row] += sum(float(w) * float(v) for w, v in zip(w_xc[row], x[t, n].reshape(-1), strict=True))
                if w_static:
                    static = rest[0][n].reshape(-1)
                    z[row] += sum(float(w) * float(v) for w, v in zip(w_static[0][row], static, strict=True))
                z[row] += sum(
                    float(w) * float(cont[t, n]) * float(v) for w, v in zip(w_hc[row], before[n], strict=True)
                )
            for d in range(units):
                i, f, o = (logistic(z[gate * units + d]) for gate in range(3))
                c[n, d] = float(cont[t, n]) * f * c[n, d] + i * math.tanh(z[3 * units + d])
                h[n, d] = o * math.tanh(c[n, d])
        top[t] = h
    return [top, h[None], c[None]] if exposed else [top]


def logistic(x: float) -> float:
    """1 / (1 + e^−x)."""
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def draw(choose: Choice, kind: str = "LSTM", states: int = 2) -> Entry:
    """Any x and x_static, with the hidden state exposed or not, and every kind of cont."""
    steps, streams, units = choose.whole(1, 6), choose.whole(1, 3), choose.whole(1, 6)
    shapes = [(steps, streams, *sizes(choose, choose.whole(1, 3), 4)), (steps, streams)]
    if choose.flag():
        shapes.append((streams, *sizes(choose, choose.whole(1, 3), 4)))
    exposed = choose.flag()
    shapes += [(1, streams, units)] * states * exposed
    given = f"num_output: {units}{' expose_hidden: true' if exposed else ''}"
    draws = (size(choose.one_of([1.0, 1e-3, 5.0])), choose.one_of([goes_on, begins, weighs]), normal)
    more = {"tops": 1 + states * exposed, "draws": draws, "draw_blobs": choose.one_of([None, no_bias, large])}
    return plain(kind, "drawn", tuple(shapes), f"recurrent_param {{ {given} }}", **more)
