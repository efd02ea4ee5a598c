"""A recording that holds a blob as a layer in place left it, under the name of the layer that wrote it first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.compare.judge import Evidence
from harness.data import Cause, Layer, LayerComparison, Network
from harness.diagnose.setting import Setting
from harness.layers import layer_type
from harness.layers.base import from_rows, rows_of
from harness.layout import channels_first

LARGEST = 1 << 22
"""Elements up to which the other states of a blob are worked out."""

ROUNDING = 1e-5
"""Of the largest value: what the rounding of a few layers comes to, at most."""


def explain_overwritten(network: Network, evidence: Evidence, row: LayerComparison) -> tuple[Cause, ...]:
    """The cause of a reference that is not what its own layer gives, if it is what the layers behind it in place give.

    `Net::Forward` leaves in a blob what the last layer in place wrote; who saves `net.blobs` afterwards has that.
    """
    if row.float64 is None or row.float64.reference_sound:
        return ()
    pair, blob = evidence.pair, evidence.top.blob
    reference = channels_first(evidence.reference)
    if reference.size > LARGEST:
        return ()
    bottoms = tuple(channels_first(evidence.bottoms[top]) for top in pair.bottoms)
    first = Setting(pair, pair.caffe, evidence.blobs, bottoms, evidence.top_position)
    exact = first.define(first.sites())
    behind: list[Layer] = []
    for one in _in_place(network, pair.caffe[-1], blob):
        state = from_rows(exact.value, reference.shape)
        exact = Setting(pair, (one,), evidence.blobs, (state,)).define(first.sites())
        behind.append(one)
        left = np.abs(rows_of(reference) - exact.value)
        if bool((left <= np.maximum(exact.bound, ROUNDING * np.abs(exact.value).max(initial=0.0))).all()):
            name = pair.layer.name
            return (
                Cause(
                    code="blob.overwritten",
                    summary=f"The reference holds {blob} as {behind[-1].name} leaves it, not as {pair.caffe[-1].name} does.",
                    evidence=f"{name} followed by {', '.join(one.name for one in behind)}, in place, gives the recorded "
                    "numbers by Caffe's definition.",
                    fix=f"record {blob} before {behind[0].name} writes over it, as `harness run` does, or give "
                    f"{behind[0].name} a top of its own; the Keras layer is not at fault",
                    proven=True,
                    before=row.isolated.max_abs if row.isolated is not None else None,
                    after=float(left.max(initial=0.0)),
                ),
            )
    return ()


def _in_place(network: Network, layer: Layer, blob: str) -> Iterator[Layer]:
    """The layers that write over a blob one after the other."""
    for one in network.layers[network.layers.index(layer) + 1 :]:
        if one.in_place and one.tops[0].blob == blob and not layer_type(one).identity:
            yield one
