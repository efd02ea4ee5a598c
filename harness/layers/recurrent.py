"""What LSTM and RNN have in common: their bottoms, and numbers that carry their rounding error through a recurrence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers.base import (
    Blobs,
    Exact,
    Float32,
    Float64,
    Index,
    KerasCall,
    U,
    Unit,
    flush_floor,
    gamma,
    largest_size,
    rows_of,
)
from harness.layers.whole import Whole
from harness.layout import Held, caffe_order

OWN_TERMS = 16
"""Roundings of one unit that an element suffers beside those of its dot products: gates, products, sums."""

LEAST = 2.0**-26
"""Caffe's LSTM computes tanh x as 2·sigmoid(2x) − 1 in float64, which leaves 2⁻⁵² of nothing: 2⁻²⁸ units; with a margin."""


class Rounded(NamedTuple):
    """A number, and what its rounding error is relative to: |float32 − value| ≤ γ · error."""

    value: Float64
    error: Float64


@dataclass(frozen=True)
class Rounding:
    """Arithmetic on numbers that carry their errors along: each operation passes on its operands' and adds its own.

    A dot product errs by Σ|w·x| at most, which is what the guaranteed bound wants, and by about ‖w‖₂·‖x‖₂ as a rule,
    which is what a unit wants; an error e in x becomes Σ|w|·e at most and √Σ(w·e)² as a rule. Only the former would
    grow without limit over many steps.
    """

    per: float  # γ of the whole layer
    surely: bool  # True: the largest errors there can be; False: those that are to be expected

    def exact(self, value: np.ndarray) -> Rounded:
        """A number as it was given."""
        return Rounded(value.astype(np.float64), np.zeros(value.shape))

    def dot(self, x: Rounded, kernel_ok: Float64) -> Rounded:
        """x of … × k times a kernel of outputs × k."""
        kernel = np.abs(kernel_ok.T)
        if self.surely:
            error = (np.abs(x.value) + x.error) @ kernel
        else:
            norms = np.sqrt(np.square(kernel).sum(axis=0))
            own = np.sqrt(np.square(x.value).sum(axis=-1, keepdims=True)) * norms
            error = own + np.sqrt(np.square(x.error) @ np.square(kernel))
        return Rounded(x.value @ kernel_ok.T, error)

    def add(self, a: Rounded, b: Rounded) -> Rounded:
        """a + b, rounded once."""
        value = a.value + b.value
        return Rounded(value, a.error + b.error + np.abs(value))

    def multiply(self, a: Rounded, b: Rounded) -> Rounded:
        """a · b, rounded once."""
        value = a.value * b.value
        return Rounded(value, np.abs(a.value) * b.error + np.abs(b.value) * a.error + np.abs(value))

    def sigmoid(self, x: Rounded) -> Rounded:
        """1 / (1 + exp(−x)), its own error relative to 1: what is added up on the way is that large."""
        y = 0.5 * np.tanh(0.5 * x.value) + 0.5
        return Rounded(y, self._through(x, y * (1 - y), steepest=0.25, bend=1.0, widest=1.0) + 1.0)

    def tanh(self, x: Rounded) -> Rounded:
        """tanh x, its own error relative to itself."""
        y = np.tanh(x.value)
        return Rounded(y, self._through(x, 1 - y * y, steepest=1.0, bend=2.0, widest=2.0) + np.abs(y) + LEAST)

    def _through(self, x: Rounded, slope: Float64, steepest: float, bend: float, widest: float) -> Float64:
        """An error behind a function that gets `bend` times steeper per unit of x at most, and whose range is `widest`."""
        reach = np.minimum(self.per * x.error, 64.0)
        steeper = np.minimum(slope * np.exp(bend * reach), steepest)
        return np.minimum(steeper * x.error, widest / self.per)


@dataclass(frozen=True)
class Bottoms:
    """A recurrent layer's bottoms, told apart. T steps of N streams."""

    x: Any  # T × N × …
    cont: Any  # T × N
    static: Any | None  # N × …
    states: tuple[Any, ...]  # each 1 × N × num_output; empty if they are not exposed


class Recurrent(Whole):
    """A layer that Caffe unrolls over the first axis of its first bottom.

    bottom: x (T × N × …, flattened behind N), cont (T × N; what came before is multiplied by it, so 0 begins a sequence),
    x_static (N × …, the same for every step) where there is one more, and with `expose_hidden` the state before the first
    step; top: one output a step (T × N × num_output), and with `expose_hidden` the state behind the last.

    Without `expose_hidden` Caffe begins with the state that its last run left behind, which is zero in a net that has
    just been made. A recording is one run of such a net, so that is what is defined here.
    Source: BVLC Caffe 1.0, recurrent_layer.cpp.
    """

    states: ClassVar[tuple[str, ...]] = ()
    """What is carried from step to step, in the order of Caffe's bottoms and tops."""

    gates: ClassVar[int] = 1
    """How many numbers a step makes of x for each output."""

    keras_class: ClassVar[str] = ""
    """The class of harness.keras_layers."""

    def run(self, layer: Layer, blobs: Blobs, bottoms: Bottoms, rounding: Rounding) -> list[Rounded]:
        """Every top."""
        raise NotImplementedError

    def products(self, shapes: Bottoms, units: int) -> int:
        """How many products the longest chain of sums within one step adds up."""
        static = int(np.prod(shapes.static[1:])) if shapes.static else 0
        return int(np.prod(shapes.x[2:])) + static + units

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        given = self._checked(layer, bottoms)
        steps, streams, *_ = given.x
        state = (1, streams, units_of(layer))
        return ((steps, streams, units_of(layer)), *((state,) * len(given.states)))

    def whole_numbers(self, layer: Layer, position: int, bottoms: Sequence[Shape]) -> int | None:
        return 2 if position == 1 else None

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return tuple(caffe_order(bottom.rank) for bottom in bottoms)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        arguments: dict[str, Any] = {"units": units_of(layer)}
        if exposes(layer):
            arguments["expose_hidden"] = True
        return (KerasCall(self.keras_class, arguments, positional=1, main=True, custom=True),)

    def macs(self, layer: Layer, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        given = self.split(layer, bottoms)
        return int(np.prod(given.x[:2])) * self.gates * units_of(layer) * self.products(given, units_of(layer))

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return [top.value for top in self._tops(layer, blobs, bottoms, surely=True)]

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """Σ|w·x| of every step, passed through the slopes of the gates and added to what the step before hands on."""
        return [top.error for top in self._tops(layer, blobs, bottoms, surely=True)]

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        return self.products(self.split(layer, bottoms), units_of(layer)) + OWN_TERMS

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """As `scale`, with ‖w‖₂·‖x‖₂ in place of Σ|w·x|."""
        expected = self._tops(layer, blobs, bottoms, surely=False)[position].error
        return Unit(dense=(U * rows_of(expected)).astype(np.float32), floor=self._floor(layer, blobs, bottoms))

    def define(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], sites: Index, position: int = 0
    ) -> Exact:
        exact = super().define(layer, blobs, bottoms, sites, position)
        return replace(exact, floor=self._floor(layer, blobs, bottoms))

    def split(self, layer: Layer, bottoms: Sequence[Any]) -> Bottoms:
        """The bottoms, or their shapes, told apart."""
        exposed = len(self.states) if exposes(layer) else 0
        x, cont, *rest = bottoms
        static = rest[0] if len(rest) > exposed else None
        return Bottoms(x, cont, static, tuple(rest[len(rest) - exposed :]))

    def _tops(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], *, surely: bool) -> list[Rounded]:
        per = gamma(self.terms(layer, [bottom.shape for bottom in bottoms]))
        with np.errstate(all="ignore"):
            return self.run(layer, blobs, self.split(layer, bottoms), Rounding(per, surely))

    def _floor(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> float:
        largest = max(largest_size(array) for array in (*blobs, *bottoms))
        return 4 * flush_floor(self.terms(layer, [bottom.shape for bottom in bottoms]), largest)

    def _checked(self, layer: Layer, bottoms: Sequence[Shape]) -> Bottoms:
        """The bottoms' shapes. Raises UnsupportedError for what Caffe refuses."""
        exposed = len(self.states) if exposes(layer) else 0
        reads = ", ".join(["x", "cont", *(f"{state}_0" for state in self.states[:exposed])])
        problem = fix = None
        if not 2 + exposed <= len(bottoms) <= 3 + exposed:
            problem = f"reads {', '.join(bottom.blob for bottom in layer.bottoms) or 'nothing'}"
            fix = f"it takes {reads}, and x_static behind cont if there is one"
        elif len(layer.tops) != 1 + exposed:
            problem = f"gives {', '.join(top.blob for top in layer.tops) or 'nothing'}"
            fix = f"one top; with expose_hidden: true {', '.join(f'{state}_T' for state in self.states)} behind it"
        elif not units_of(layer):
            problem, fix = "no num_output", "give recurrent_param { num_output: … }"
        else:
            problem = self._misfit(layer, self.split(layer, bottoms))
        if problem:
            raise UnsupportedError(problem, layer=layer.name, line=layer.line, fix=fix)
        return self.split(layer, bottoms)

    def _misfit(self, layer: Layer, given: Bottoms) -> str | None:
        """A sentence if the bottoms' shapes do not fit each other."""
        if len(given.x) < 3:
            return f"x has the shape {given.x}: it takes T × N × …"
        if given.cont != given.x[:2]:
            return f"cont has the shape {given.cont}, x {given.x}: cont is T × N"
        if given.static is not None and (len(given.static) < 2 or given.static[0] != given.x[1]):
            return f"x_static has the shape {given.static}, x {given.x}: x_static is N × …"
        state = (1, given.x[1], units_of(layer))
        for name, shape in zip(self.states, given.states, strict=False):
            if shape != state:
                return f"{name}_0 has the shape {shape}, the state {state}"
        return None


def units_of(layer: Layer) -> int:
    """`num_output`."""
    return int(layer.parameters.recurrent_param.num_output)


def exposes(layer: Layer) -> bool:
    """`expose_hidden`."""
    return bool(layer.parameters.recurrent_param.expose_hidden)


def flattened(array: Any, axis: int) -> np.ndarray:
    """Everything from `axis` on in one."""
    flat: np.ndarray = array.reshape(*array.shape[:axis], -1)
    return flat
