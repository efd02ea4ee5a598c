"""Windows of any kind that Caffe takes, drawn at random: what they become in Keras computes their definition.

The definitions themselves are held against plain loops and real Caffe by the table of layers.
"""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support import nets
from support.table import Sliding, window

from harness.convert.plan import plan
from harness.errors import UnsupportedError
from harness.layers import layer_type
from harness.layers.shapes import infer_shapes
from harness.layout import from_candidate, last_shape

drawn = settings(max_examples=40, deadline=None, derandomize=True, database=None)


@st.composite
def windows(draw: st.DrawFn, kind: str, axes: int = 2) -> Sliding:
    """An entry of the table with sides of its own."""

    def sides(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    group = 1 if kind in ("Pooling", "Im2col") else draw(st.integers(1, 3))
    shape = (draw(st.integers(1, 2)), group * draw(st.integers(1, 2)), *sides(3, 12 if axes < 3 else 6))
    more = {"stride": sides(1, 4), "pad": sides(0, 3)}
    if kind == "Pooling":
        average = draw(st.booleans())
        more |= {"average": average, "floor": draw(st.booleans())}
        more["tops"] = 1 if average else draw(st.integers(1, 2))
    else:
        more |= {"dilation": sides(1, 3), "group": group}
    return window(kind, "drawn", shape, sides(1, 4), group * draw(st.integers(1, 2)), **more)


def hold(entry: Sliding) -> None:
    """Keras against the definition, within the bound of rounding."""
    net = entry.net
    try:
        shapes, planned = infer_shapes(net), plan(net)
    except UnsupportedError:
        assume(False)
    layer, kind = net["layer"], layer_type(net["layer"])
    blobs, bottoms = entry.blobs(net), entry.inputs()
    computed = nets.run_keras(net, {"layer": blobs} if blobs else {}, dict(zip(net.inputs, bottoms, strict=True)))
    orders = kind.gives(layer, planned.reads["layer"])
    for position, (array, top, order) in enumerate(zip(computed, layer.tops, orders, strict=True)):
        last = from_candidate(array, last_shape(shapes[top]), order)
        assert last.shape == last_shape(shapes[top])
        exact = kind.define(layer, blobs, bottoms, nets.all_sites(shapes[top]), position)
        found = last.reshape(exact.value.shape)
        near = np.abs(found - exact.value) <= exact.bound
        # A mean behind the image altogether is a sum of nothing over nothing, in Caffe as well.
        assert (near | (np.isnan(found) & np.isnan(exact.value))).all()


@drawn
@given(windows("Pooling"))
def test_pooling(entry: Sliding) -> None:
    hold(entry)


@drawn
@given(st.integers(1, 3).flatmap(lambda axes: windows("Convolution", axes)))
def test_convolution(entry: Sliding) -> None:
    hold(entry)


@drawn
@given(st.integers(1, 3).flatmap(lambda axes: windows("Deconvolution", axes)))
def test_deconvolution(entry: Sliding) -> None:
    hold(entry)


@drawn
@given(st.integers(1, 3).flatmap(lambda axes: windows("Im2col", axes)))
def test_im2col(entry: Sliding) -> None:
    hold(entry)
