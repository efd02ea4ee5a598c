"""A Power's numbers: lost, of another size, or applied in another order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from harness.data import KerasNode
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.reading import EXACT, differ, is_opaque, rounded
from harness.diagnose.setting import Mistake, Then, all_of, in_parameters, in_result
from harness.layers.base import Exact, Index
from harness.layers.decimals import as_written


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Try what people write for Caffe's Power; layers that say what they do are read in `configuration.py`."""
    main, layer = clues.main, clues.pair.layer
    if main is None or layer.type != "Power":
        return
    spec = layer.parameters.power_param
    power, scale, shift = (as_written(float(value)) for value in (spec.power, spec.scale, spec.shift))
    if not is_opaque(main):
        theirs = _of_class(main)
        if theirs is not None and any(map(differ, theirs, (power, scale, shift))):
            said = f"Keras computes {_formula(*theirs)}, Caffe {_formula(power, scale, shift)}"
            yield _one(clues, main, said, f"{main.name} is {_shown(main)}", _with(*theirs), stated=True)
        return
    if clues.trial is None:
        return
    for said, mistake in _mistakes(clues, power, scale, shift):
        yield _one(clues, main, said, f"what {main.name} gives fits the other", mistake, stated=False)


def _one(clues: Clues, main: KerasNode, said: str, shown: str, mistake: Mistake, *, stated: bool) -> Suspicion:
    layer = clues.pair.layer
    spec = layer.parameters.power_param
    power, scale, shift = (as_written(float(value)) for value in (spec.power, spec.scale, spec.shift))
    evidence = f"{layer.name}: power {power:g}, scale {scale:g}, shift {shift:g} in the prototxt; {shown}"
    return Suspicion("power", said, evidence, _formula(power, scale, shift), main.name, stated=stated, mistake=mistake)


def _mistakes(clues: Clues, power: float, scale: float, shift: float) -> Iterator[tuple[str, Mistake]]:
    ours = _formula(power, scale, shift)
    if shift and scale != 1:
        yield f"Keras adds the shift before it scales, Caffe after: {ours}", _with(power, scale, shift * scale)
    if shift:
        yield f"Keras leaves out the shift of {shift:g}", _with(power, scale, 0.0)
        yield f"Keras takes the shift of {shift:g} away", _with(power, scale, -shift)
    if scale != 1:
        yield f"Keras leaves out the scale of {scale:g}", _with(power, 1.0, shift)
        if scale:
            yield f"Keras divides by the scale of {scale:g}", _with(power, 1 / scale, shift)
    if power != 1:
        yield f"Keras leaves out the power of {power:g}", _with(1.0, scale, shift)
        if shift:
            later = all_of(_with(power, scale, 0.0), in_result(_linear(1.0, shift)))
            yield f"Keras adds the shift behind the power, Caffe before: {ours}", later
        if scale != 1:
            later = all_of(_with(power, 1.0, shift), in_result(_linear(scale, 0.0)))
            yield f"Keras scales behind the power, Caffe before: {ours}", later
            later = all_of(_with(power, 1.0, 0.0), in_result(_linear(scale, shift)))
            yield f"Keras scales and shifts behind the power, Caffe before: {ours}", later
    if scale != 1 or shift:
        yield "Keras leaves out scale and shift", _with(power, 1.0, 0.0)
    if (power, scale, shift) != (1, 1, 0):
        yield "Keras leaves its bottom as it is", _with(1.0, 1.0, 0.0)
    line = _by_least_squares(clues, power, scale, shift)
    if line is not None and any(map(differ, line, (scale, shift))):
        yield f"Keras computes {_formula(power, *line)}, Caffe {ours}", _with(power, *line)


def _with(power: float, scale: float, shift: float) -> Mistake:
    return in_parameters("power_param", power=power, scale=scale, shift=shift)


def _linear(scale: float, shift: float) -> Then:
    """x · scale + shift of the definition's rows."""

    def step(exact: Exact, sites: Index) -> Exact:
        value = exact.value * scale + shift
        return replace(exact, value=value, scale=exact.scale * abs(scale) + abs(shift), terms=exact.terms + 2)

    return step


def _by_least_squares(clues: Clues, power: float, scale: float, shift: float) -> tuple[float, float] | None:
    """Scale and shift near Caffe's own with which the power is what Keras gives; None if there are none.

    A root has lost its sign, which is that of Caffe's own line where that is far from zero.
    """
    trial = clues.trial
    assert trial is not None
    candidate, bottom = trial.candidate, trial.setting.bottoms[0].astype(np.float64)
    if candidate is None or candidate.shape != bottom.shape or not power:
        return None
    inside = candidate.astype(np.float64)
    usable = np.isfinite(inside)
    if power != 1:
        own = scale * bottom + shift
        with np.errstate(all="ignore"):
            inside = np.copysign(np.power(np.abs(inside), 1 / power), own)
        usable &= np.isfinite(inside) & (np.abs(own) >= np.abs(own).mean())
    x, y = bottom[usable], inside[usable]
    if not x.size or x.std() == 0:
        return None
    slope, start = (float(one) for one in np.polyfit(x, y, 1))
    return rounded(slope, EXACT), rounded(start, EXACT) if abs(start) > 1e-9 * np.abs(y).max() else 0.0


def _of_class(main: KerasNode) -> tuple[float, float, float] | None:
    """Power, scale and shift of a Keras layer that says them."""
    config = main.config
    if main.class_name == "Power":
        return float(config["power"]), float(config.get("scale", 1.0)), float(config.get("shift", 0.0))
    if main.class_name == "Rescaling" and all(isinstance(config.get(key), (int, float)) for key in ("scale", "offset")):
        return 1.0, float(config["scale"]), float(config["offset"])
    if main.class_name == "Identity":
        return 1.0, 1.0, 0.0
    return None


def _shown(main: KerasNode) -> str:
    keys = ("power", "scale", "shift", "offset")
    return f"{main.class_name}({', '.join(f'{key}={main.config[key]:g}' for key in keys if key in main.config)})"


def _formula(power: float, scale: float, shift: float) -> str:
    inside = "x" if scale == 1 else f"{scale:g} * x"
    if shift:
        inside += f" + {shift:g}" if shift > 0 else f" - {-shift:g}"
    return inside if power == 1 else f"({inside}) ** {power:g}"
