"""The second stage: is it the same function, and is each side within what rounding explains? In float64.

Three questions, on the reference's own bottoms:
(a) do the candidate's function and Caffe's definition agree in float64? A wrong epsilon, pad or kernel shows here,
    a million times above the noise;
(b) is the reference within γ·Σ|w·x| of the definition? It ties our definition to the real Caffe;
(c) is the candidate's float32 within the same bound of it?

γ is Higham's deterministic bound, which every order of summation keeps. Layers too large to be computed twice in float64
are examined by a crop for (a) and by a seeded sample of sites, corners, borders and the worst one included, for (b) and
(c).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.data import Adjudication, Pair, Shape, Top
from harness.layers import layer_type
from harness.layers.base import Blobs, Exact, Float32, Float64, Index, from_rows, gamma, rows_of
from harness.layout import caffe_shape, channels_first, last_shape

WHOLE = 2_000_000_000
"""Multiplications up to which a layer is computed whole in float64: a few seconds."""

OVERFLOW = 2.0**128
"""One unit in the last place above float32's largest number."""

SAMPLE = 256
"""Sites drawn where a layer is too large."""

RunFloat64 = Callable[[Mapping[Top, np.ndarray], Shape], np.ndarray]
"""The candidate's segment in float64: bottoms, channels last, by top → the top, channels last, viewed in the given shape
where it can be."""


def adjudicate(
    pair: Pair,
    blobs: Mapping[str, Blobs],
    bottoms: Mapping[Top, Float32],
    reference: Float32,
    candidate: Float32,
    worst_site: int,
    run_float64: RunFloat64,
    *,
    position: int = 0,
    seed: int = 0,
) -> Adjudication:
    """Decide a suspect.

    Args:
        blobs: the learned blobs of the pair's Caffe layers, by layer.
        bottoms: what the pair's first layer reads, channels last, by top.
        reference, candidate: the pair's top, channels last, of equal shape.
        worst_site: row of the largest error, always examined.

    Raises:
        CandidateError: the segment cannot be run in float64.
    """
    whole = multiplications(pair, bottoms, reference.shape) <= WHOLE or not layer_type(pair.layer).local
    sites = _all_sites(reference.shape) if whole else _sample_sites(reference.shape, worst_site, seed)
    exact = define(pair, blobs, [channels_first(bottoms[top]) for top in pair.bottoms], sites, position)
    if whole:
        function = run_float64(bottoms, reference.shape)
        if function.shape != reference.shape:
            functions, agrees = math.inf, False
        else:
            functions, agrees = _difference(pair, _rows(function, sites, reference.shape), exact)
    else:
        functions, agrees = _functions_on_crop(pair, blobs, bottoms, reference.shape, worst_site, run_float64)
    reference_share = _share(_rows(reference, sites, reference.shape), exact)
    candidate_share = _share(_rows(candidate, sites, reference.shape), exact)
    return Adjudication(
        functions_max_rel=functions,
        reference_units=reference_share,
        candidate_units=candidate_share,
        agrees=agrees and candidate_share <= 1.0,
        reference_sound=reference_share <= 1.0,
        sampled=None if whole else exact.value.size,
    )


def define(
    pair: Pair, blobs: Mapping[str, Blobs], bottoms: Sequence[np.ndarray], sites: Index, position: int = 0
) -> Exact:
    """Caffe's definition of a whole pair at some sites: the first layer's, then those fused behind it."""
    first, *fused = pair.caffe
    described = layer_type(first)
    shape = described.output_shapes(first, [bottom.shape for bottom in bottoms])[position]
    across = any(layer_type(layer).along(layer, len(shape)) != 1 for layer in fused)
    chosen = _all_sites(last_shape(shape)) if across else sites
    exact = described.define(first, blobs.get(first.name, ()), bottoms, chosen, position)
    for layer in fused:
        axis = layer_type(layer).along(layer, len(shape))
        exact = _turned(exact, shape, axis) if axis != 1 else exact
        exact = layer_type(layer).follow(layer, blobs.get(layer.name, ()), exact)
        exact = _turned(exact, _swapped(shape, axis), axis) if axis != 1 else exact
    if across:
        places = np.ravel_multi_index(tuple(sites.T), last_shape(shape)[:-1])
        exact = replace(exact, value=exact.value[places], scale=exact.scale[places])
    return exact


def _swapped(shape: Shape, axis: int) -> Shape:
    """A shape with an axis and the channels exchanged."""
    sizes = list(shape)
    sizes[1], sizes[axis] = sizes[axis], sizes[1]
    return tuple(sizes)


def _turned(exact: Exact, shape: Shape, axis: int) -> Exact:
    """All of a top with another axis as its channels."""
    value, scale = (rows_of(from_rows(one, shape).swapaxes(1, axis)) for one in (exact.value, exact.scale))
    return replace(exact, value=value, scale=scale)


def _functions_on_crop(
    pair: Pair,
    blobs: Mapping[str, Blobs],
    bottoms: Mapping[Top, Float32],
    top_shape: Shape,
    worst_site: int,
    run_float64: RunFloat64,
) -> tuple[float, bool]:
    """(a) on a piece of the bottoms: both functions treat the piece's edges as edges, so borders are tried as well."""
    layer = pair.layer
    pieces = piece_of(pair, bottoms, top_shape, np.unravel_index(worst_site, top_shape[:-1]))
    (shape, *_) = layer_type(layer).output_shapes(layer, [caffe_shape(pieces[top].shape) for top in pair.bottoms])
    function = run_float64(pieces, last_shape(shape))
    if function.shape != last_shape(shape):
        return math.inf, False
    sites = _all_sites(function.shape)
    exact = define(pair, blobs, [channels_first(pieces[top]) for top in pair.bottoms], sites)
    return _difference(pair, _rows(function, sites, function.shape), exact)


def piece_of(
    pair: Pair, bottoms: Mapping[Top, Float32], top_shape: Shape, site: Sequence[np.intp | int]
) -> dict[Top, Float32]:
    """A part of one item of the bottoms, around what a site of the top is made of, channels last.

    It is just large enough for a few windows, and rounding of sizes and "same" padding fall in it as in the whole.
    """
    extent, stride = layer_type(pair.layer).reach(pair.layer)
    pieces = {}
    for top, bottom in bottoms.items():
        spans = [slice(int(site[0]), int(site[0]) + 1)]
        for axis in range(min(len(extent), bottom.ndim - 2)):
            size = bottom.shape[1 + axis]
            want = min(size, extent[axis] + 4 * stride[axis])
            want -= (want - size) % stride[axis]
            start = int(site[1 + axis]) * size // top_shape[1 + axis] - want // 2
            start = min(max(0, start), size - want)
            spans.append(slice(start, start + want))
        pieces[top] = np.ascontiguousarray(bottom[tuple(spans)])
    return pieces


def _difference(pair: Pair, function: Float64, exact: Exact) -> tuple[float, bool]:
    """Largest difference of two float64 functions relative to Σ|w·x|, and whether float64's own rounding explains it."""
    size = np.fmax(exact.scale, np.abs(exact.value))  # the scale, where the value is no number
    difference = _distance(function, exact)
    tolerance = 4 * gamma(exact.terms + 8, 2.0**-53) + sum(layer_type(one).parameter_rounding for one in pair.caffe)
    agrees = bool((difference <= tolerance * size + exact.floor).all())
    return float((difference / np.maximum(size, np.finfo(np.float32).tiny)).max(initial=0.0)), agrees


def _distance(values: Float64, exact: Exact) -> Float64:
    """|values − exact|, zero where neither is a number, and where an infinite scale says that nothing is known.

    What float32 cannot hold counts as the 2¹²⁸ where its infinity begins: float64 still has the number that overflowed.
    """
    distance: Float64 = np.abs(np.clip(values, -OVERFLOW, OVERFLOW) - np.clip(exact.value, -OVERFLOW, OVERFLOW))
    distance[(np.isnan(values) & np.isnan(exact.value)) | np.isinf(exact.scale)] = 0.0
    return distance


def _share(values: Float64, exact: Exact) -> float:
    """The largest error as a share of what rounding can explain."""
    return float((_distance(values, exact) / exact.bound).max(initial=0.0))


def multiplications(pair: Pair, bottoms: Mapping[Top, Float32], top: Shape) -> int:
    """How many a pair's first layer makes; bottoms and the top's shape are channels last."""
    shapes = [caffe_shape(bottoms[one].shape) for one in pair.bottoms]
    return layer_type(pair.layer).macs(pair.layer, shapes, [caffe_shape(top)])


def _rows(array: np.ndarray, sites: Index, shape: Shape) -> Float64:
    """The sites' rows of a channels-last array."""
    rows: Float64 = array.reshape(_with_channels(shape))[tuple(sites.T)].astype(np.float64)
    return rows


def _with_channels(shape: Shape) -> Shape:
    """A shape of less than two axes as one of a single channel."""
    return shape if len(shape) > 1 else (math.prod(shape), 1)


def _all_sites(shape: Shape) -> Index:
    """Every site of a channels-last shape: sites × (N, H, W)."""
    axes = [np.arange(size) for size in _with_channels(shape)[:-1]]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes)).astype(np.int64)


def _sample_sites(shape: Shape, worst_site: int, seed: int) -> Index:
    """Corners, the middle of each border, the worst site, and a seeded draw of the rest."""
    axes = shape[:-1]
    chosen = {worst_site}
    marks = [sorted({0, size // 2, size - 1}) for size in axes]
    for corner in np.array(np.meshgrid(*marks, indexing="ij")).reshape(len(axes), -1).T:
        chosen.add(int(np.ravel_multi_index(tuple(corner), axes)))
    total = math.prod(axes)
    draw = np.random.default_rng(seed).choice(total, size=min(SAMPLE, total), replace=False)
    chosen.update(int(site) for site in draw)
    return np.stack(np.unravel_index(sorted(chosen), axes), axis=-1).astype(np.int64)
