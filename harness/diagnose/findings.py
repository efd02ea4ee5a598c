"""What a Keras layer's kernel and bias are beside Caffe's, in words and as a change of Caffe's blobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from harness.data import Shape
from harness.diagnose import likeness
from harness.diagnose.clues import Clues
from harness.diagnose.initial import bilinear, initializer_of
from harness.diagnose.kernels import Change, Mixup, mixups, reordering, unflattened
from harness.diagnose.learned import Learned, caffe_bias, channel_axes, read_learned
from harness.layers import layer_type
from harness.layers.inner_product import InnerProduct
from harness.layers.shapes import infer_shapes

UNLIKE = 0.5
"""Correlation below which two kernels have nothing to do with each other, whatever their size."""


@dataclass(frozen=True)
class Finding:
    """One difference, and the change that makes it in Caffe's blobs."""

    code: str
    word: str  # for a table
    summary: str
    evidence: str
    kernel: Change | None = None
    bias: Change | None = None  # where the kernel differs, too: what the same mistake would make of the bias


def findings(clues: Clues) -> list[Finding]:
    """How the variables of the Keras layer differ from Caffe's; empty where they do not, or cannot be read."""
    return _of_variables(clues) or []


def compared(clues: Clues, own: Learned, keras_shape: Shape) -> list[Finding]:
    """How a kernel and a bias differ from Caffe's.

    Args:
        keras_shape: the kernel's as Keras would hold it: what its initializer goes by.
    """
    found = of_kernel(clues, own, keras_shape)
    owner = caffe_bias(clues)
    if owner is None and own.bias is None:
        return found
    ours = np.zeros_like(own.bias) if owner is None else clues.weights.of(owner.name)[-1].reshape(-1)
    same = next((one for one in found if _follows(one, own.bias, ours)), None)
    found = [one if one is same else replace(one, bias=None) for one in found]
    bias = of_bias(clues, own.bias, ours) if same is None else None
    return [*found, bias] if bias is not None else found


def in_a_word(clues: Clues) -> str | None:
    """How the weights relate to Caffe's: `equal`, `rows and columns`, `of conv4` …; None where they cannot be read."""
    found = _of_variables(clues)
    return None if found is None else ", ".join(one.word for one in found) or "equal"


def _of_variables(clues: Clues) -> list[Finding] | None:
    """None where the variables cannot be read."""
    node = clues.main
    variables = clues.variables(node.name) if node is not None and clues.blobs else {}
    own = read_learned(clues, variables)
    return None if own is None else compared(clues, own, variables["kernel"].shape)


def of_kernel(clues: Clues, own: Learned, keras_shape: Shape) -> list[Finding]:
    """What was done to the kernel, one finding for each thing; empty where it is Caffe's."""
    theirs, ours = own.kernel, clues.blobs[0]
    if own.elsewhere:
        return [_without_groups(clues, own)]
    if likeness.equal(theirs, ours):
        return []
    filled = _filled_again(clues, own)
    if filled is not None:
        return [filled]
    structural = list(mixups(clues.pair.layer, ours.shape, picture(clues)))
    made = likeness.chain(theirs, ours, structural)
    if made is not None:
        return [*(_mixed_up(clues, own, one) for one in made[0]), *_scaled(clues, own, made[1])]
    ideas = (
        _of_other_layer(clues, own),
        _permuted(clues, own, structural),
        _scaled_channels(clues, own),
        _rounded(clues, own),
    )
    found = next((one for one in ideas if one), None)
    return found or [_initial(clues, own, keras_shape) or _other_numbers(clues, own)]


def of_bias(clues: Clues, theirs: np.ndarray | None, ours: np.ndarray) -> Finding | None:
    """What the bias is where it is not Caffe's.

    Args:
        theirs: Keras'; None where it has none.
        ours: Caffe's, zeros where it has none.
    """
    name = clues.pair.layer.name
    if np.array_equal(np.zeros_like(ours) if theirs is None else theirs, ours):
        return None
    if theirs is None or not theirs.any():
        summary = "Keras adds no bias" if theirs is None else "Keras' bias is zero"
        evidence = f"the bias of {name} in the caffemodel has {ours.size} numbers, up to {np.abs(ours).max():.2g}"
        return Finding("bias.missing", "no bias", summary, evidence, bias=np.zeros_like)
    word, summary = _wrong_bias(clues, theirs, ours)
    evidence = f"{np.count_nonzero(theirs != ours)} of {ours.size} numbers of {name}'s bias differ"
    return Finding("bias.value", word, summary, evidence, bias=_constant(theirs))


def _follows(one: Finding, theirs: np.ndarray | None, ours: np.ndarray) -> bool:
    """True if the bias differs from Caffe's just as the kernel does."""
    if one.bias is None or theirs is None or np.array_equal(theirs, ours):
        return False
    return bool(np.allclose(one.bias(ours), theirs, rtol=1e-6, atol=0))


def picture(clues: Clues) -> Shape:
    """What the layer reads, before it was flattened."""
    return unflattened(clues.network, clues.pair.bottoms[0], infer_shapes(clues.network))


def _wrong_bias(clues: Clues, theirs: np.ndarray, ours: np.ndarray) -> tuple[str, str]:
    """A word and a summary."""
    if not ours.any():
        return "a bias", "Keras adds a bias, Caffe none"
    for name, blobs in clues.weights.blobs.items():
        if name != clues.pair.layer.name and len(blobs) > 1 and np.array_equal(blobs[1].reshape(-1), theirs):
            return f"bias of {name}", f"Keras' bias is that of {name}"
    by = likeness.factor(theirs, ours)
    if by is not None and (ours.size > 1 or by == -1):  # of one number every other is a multiple
        return "bias scaled", f"Keras' bias is Caffe's {_times(by)}"
    order = likeness.permutation(theirs.reshape(-1, 1), ours.reshape(-1, 1), 0)
    if order is not None:
        return "bias permuted", f"Keras' bias is Caffe's with its channels {likeness.describe_permutation(order)}"
    return "bias differs", f"Keras' bias differs from Caffe's by up to {np.abs(theirs - ours).max():.2g}"


def _mixed_up(clues: Clues, own: Learned, one: Mixup) -> Finding:
    return Finding(
        one.code, one.word, f"Keras' kernel is Caffe's {one.said}", _differs(clues, own), one.kernel, one.bias
    )


def _scaled(clues: Clues, own: Learned, by: float) -> Iterator[Finding]:
    if by != 1:
        said = f"Keras' kernel is Caffe's {_times(by)}"
        many = f"all {own.kernel.size:,} numbers of {clues.pair.layer.name}'s kernel"
        evidence = f"{many} are {_times(by)}"
        yield Finding("weights.scaled", "scaled", said, evidence, lambda w: np.float32(by) * w, lambda b: by * b)


def _scaled_channels(clues: Clues, own: Learned) -> list[Finding]:
    for axis, which in zip(channel_axes(clues), ("output", "input"), strict=True):
        by = likeness.factors(own.kernel, clues.blobs[0], axis)
        if by is None:
            continue
        along = np.float32(by.reshape([-1 if one == axis else 1 for one in range(own.kernel.ndim)]))
        changed = np.flatnonzero(by != 1)
        said = (
            "each multiplied by a number of its own" if len(changed) > likeness.FEW else _times(float(by[changed[0]]))
        )
        return [
            Finding(
                "weights.scaled",
                "scaled",
                f"Keras' kernel is Caffe's with {_channels(which, changed, len(by))} {said}",
                f"{_differs(clues, own)}; the factors go from {by.min():.6g} to {by.max():.6g}",
                partial(np.multiply, along),
                partial(np.multiply, by) if which == "output" else None,
            )
        ]
    return []


def _permuted(clues: Clues, own: Learned, structural: Sequence[Mixup]) -> list[Finding]:
    ours = clues.blobs[0]
    by = likeness.common_factor(own.kernel, ours)
    if by is None:
        return []
    for one in (None, *structural):
        base = ours if one is None else one.kernel(ours)
        for axis, which in zip(channel_axes(clues), ("output", "input"), strict=True):
            for signed in (by, -by):
                order = likeness.permutation(own.kernel, base, axis, signed)
                if order is None:
                    continue
                before = [] if one is None else [_mixed_up(clues, own, one)]
                return [*before, _moved(clues, own, order, axis, which), *_scaled(clues, own, signed)]
    return []


def _moved(clues: Clues, own: Learned, order: np.ndarray, axis: int, which: str) -> Finding:
    moved = int(np.count_nonzero(order != np.arange(len(order))))
    if which == "input" and isinstance(layer_type(clues.pair.layer), InnerProduct):
        flattened = reordering(order, picture(clues)[1:])
        if flattened is not None:
            said = f"Keras' kernel is Caffe's {flattened}"
            return Finding("flatten.order", "flatten order", said, _differs(clues, own), lambda w: w.take(order, axis))
    said = f"with its {which} channels {likeness.describe_permutation(order)}"
    if which == "input" and order.tolist() == [2, 1, 0]:
        said += ", as RGB for BGR"
    return Finding(
        "weights.permuted",
        f"{which} channels",
        f"Keras' kernel is Caffe's {said}",
        f"each of the {len(order)} {which} channels of {clues.pair.layer.name}'s kernel is one of Caffe's, "
        f"{moved} at another place",
        lambda w: w.take(order, axis),
        (lambda b: b.reshape(-1)[order]) if which == "output" else None,
    )


def _of_other_layer(clues: Clues, own: Learned) -> list[Finding]:
    here = clues.pair.layer.name
    for name, blobs in clues.weights.blobs.items():
        if name == here or not blobs or blobs[0].shape != own.kernel.shape or not likeness.equal(own.kernel, blobs[0]):
            continue
        bias: Change | None = None
        if len(blobs) > 1:
            bias = _constant(blobs[1])
        said = f"Keras' kernel is that of {name}"
        evidence = f"all {own.kernel.size:,} numbers of it are {name}'s, not {here}'s"
        return [
            Finding("weights.of_other_layer", f"of {name}", said, evidence, _constant(blobs[0]), bias),
        ]
    return []


def _rounded(clues: Clues, own: Learned) -> list[Finding]:
    name = likeness.rounded(own.kernel, clues.blobs[0])
    if name is None:
        return []
    change = likeness.PRECISIONS[name]
    said = f"Keras' kernel is Caffe's rounded to {name}"
    return [Finding("precision", name, said, _differs(clues, own), change, change)]


def _initial(clues: Clues, own: Learned, keras_shape: Shape) -> Finding | None:
    """The kernel as its initializer left it: drawn, and unlike Caffe's."""
    like = likeness.resemblance(own.kernel, clues.blobs[0])
    by = initializer_of(own.kernel, keras_shape)
    random = own.kernel.size > 1 and abs(like) < min(UNLIKE, 5 / np.sqrt(min(own.kernel.size, likeness.SAMPLE)))
    fresh = own.bias is not None and not own.bias.any() and len(clues.blobs) > 1 and clues.blobs[1].any()
    if not random or not (by or fresh):
        return None
    said = f"as {by} gives them" if by else "and its bias is zero"
    return Finding(
        "weights.not_loaded",
        "initial",
        "Keras' kernel still has its initial numbers",
        f"{_differs(clues, own)}, {said}; their correlation with Caffe's is {like:.2f}",
        _constant(own.kernel),
        np.zeros_like,
    )


def _without_groups(clues: Clues, own: Learned) -> Finding:
    """A full kernel in the place of a grouped one, which no grouped blob gives."""
    return Finding(
        _value_code(clues),
        "groups",
        "Keras' kernel joins channels that are in different groups in Caffe, or has taps between a dilated kernel's",
        f"{own.elsewhere:,} numbers of {clues.pair.layer.name}'s kernel are not zero where Caffe's has none",
    )


def _filled_again(clues: Clues, own: Learned) -> Finding | None:
    """A deconvolution that interpolates still, or again, where Caffe's has learned something else."""
    if clues.pair.layer.type != "Deconvolution" or own.kernel.ndim != 4 or min(own.kernel.shape[2:]) < 2:
        return None
    pairs = own.kernel.any(axis=(2, 3))
    if not pairs.any() or not np.array_equal(pairs, clues.blobs[0].any(axis=(2, 3))):
        return None
    if not np.allclose(own.kernel[pairs], bilinear(own.kernel.shape[2:]), rtol=0, atol=1e-6):
        return None
    return Finding(
        "deconvolution.weights",
        "bilinear",
        "Keras' kernel is the one that a bilinear filler makes",
        f"{_differs(clues, own)}; each channel of Keras' interpolates between pixels, Caffe's has learned other numbers",
        _constant(own.kernel),
    )


def _other_numbers(clues: Clues, own: Learned) -> Finding:
    theirs, ours = own.kernel, clues.blobs[0]
    different = theirs != ours
    count = int(np.count_nonzero(different))
    largest = float(np.abs(theirs - ours).max())
    if count <= likeness.FEW:
        places = [tuple(int(i) for i in at) for at in np.argwhere(different)]
        said = "; ".join(f"{list(at)} is {theirs[at]:.6g}, Caffe's {ours[at]:.6g}" for at in places)
        summary = f"{count} of {ours.size:,} numbers of Keras' kernel {'is' if count == 1 else 'are'} wrong"
        evidence = f"counted as in Caffe's blob, {said}"
    else:
        summary = f"Keras' kernel differs from Caffe's by up to {largest:.2g}"
        rms = [float(np.sqrt(np.mean(np.square(one, dtype=np.float64)))) for one in (theirs - ours, ours)]
        evidence = f"{_differs(clues, own)}, with an rms of {rms[0]:.2g} where Caffe's have one of {rms[1]:.2g}"
        for axis, which in zip(channel_axes(clues), ("output", "input"), strict=True):
            wrong = np.flatnonzero(different.any(axis=tuple(a for a in range(ours.ndim) if a != axis)))
            if len(wrong) < ours.shape[axis]:
                summary += f" in {_channels(which, wrong, ours.shape[axis])}"
                break
    if clues.pair.layer.type == "Deconvolution":
        evidence += f"; {_centres(theirs, ours)}"
    return Finding(_value_code(clues), "other numbers", summary, evidence, _constant(theirs))


def _value_code(clues: Clues) -> str:
    return "deconvolution.weights" if clues.pair.layer.type == "Deconvolution" else "weights.value"


def _centres(theirs: np.ndarray, ours: np.ndarray) -> str:
    """Where the two kernels have their weight: a bilinear one that is off by half a pixel has it there."""
    said = []
    for kernel in (theirs, ours):
        size = np.abs(kernel).sum(axis=(0, 1), dtype=np.float64)
        total = size.sum() or 1.0
        at = [float((places * size).sum() / total) for places in np.indices(size.shape)]
        said.append(", ".join(f"{one:.2f}" for one in at))
    return f"its weight is centred at ({said[0]}), Caffe's at ({said[1]})"


def _constant(blob: np.ndarray) -> Change:
    return lambda ours: blob.reshape(ours.shape)


def _differs(clues: Clues, own: Learned) -> str:
    count = sum(int(np.count_nonzero(a != b)) for a, b in zip(own.kernel, clues.blobs[0], strict=True))
    return f"{count:,} of {own.kernel.size:,} numbers of {clues.pair.layer.name}'s kernel differ"


def _channels(which: str, chosen: np.ndarray, total: int) -> str:
    if len(chosen) == total:
        return f"its {which} channels"
    if len(chosen) > likeness.FEW:
        return f"{len(chosen)} of {total} {which} channels"
    return f"{which} channel{'s' if len(chosen) > 1 else ''} {' and '.join(map(str, chosen))}"


def _times(by: float) -> str:
    return "with the other sign" if by == -1 else f"times {by:.6g}"
