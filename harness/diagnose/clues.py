"""What a layer at fault is diagnosed from, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from harness.data import InputSource, KerasNode, LayerComparison, Network, Pair, Shape, Top, Weights
from harness.diagnose.setting import Mistake
from harness.diagnose.trial import Trial
from harness.layers import layer_type
from harness.layers.base import Blobs
from harness.layout import Held


@dataclass(frozen=True)
class Suspicion:
    """One thing that may be wrong.

    It is proven in one of two ways: with `edits` or `weights` in the Keras layers the error vanishes, or with `mistake` in
    Caffe's definition the definition gives what Keras gives.
    """

    code: str  # one of the contract's
    summary: str  # without a full stop, as `evidence`
    evidence: str
    fix: str
    layer: str  # the Keras layer to change
    stated: bool = False  # the two definitions or the weights say so; else it is a mistake that people make
    edits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # Keras layer → arguments to change
    weights: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)  # Keras layer → variables to change
    mistake: Mistake | None = None

    @property
    def can_be_tried(self) -> bool:
        """True if it says what to change."""
        return bool(self.edits or self.weights or self.mistake)


@dataclass(frozen=True)
class Clues:
    """All that is known of one pair. Without a trial nothing was run: only definitions and weights speak."""

    pair: Pair
    network: Network
    weights: Weights  # Caffe's, of all layers
    nodes: Sequence[KerasNode]  # the pair's Keras layers, in the order of the graph
    bottoms: Sequence[Shape]  # of what the first Caffe layer reads, N, C, H, W
    variables: Callable[[str], Mapping[str, np.ndarray]]  # a Keras layer's weights by the variables' names
    row: LayerComparison | None = None
    trial: Trial | None = None
    fed: InputSource | None = None  # how the net's input was made
    learned: bool = True  # the weights are worth a look
    source: Callable[[str], str | None] = lambda layer: None  # where a Keras layer stands: "keras_model.py:41"

    @property
    def blobs(self) -> Blobs:
        """Caffe's blobs of the layer with the weights."""
        return self.weights.of(self.pair.layer.name)

    @property
    def main(self) -> KerasNode | None:
        """The Keras layer that stands for the Caffe layer itself."""
        named = next((node for node in self.nodes if node.name == self.pair.main), None)
        if named is not None:
            return named
        classes = layer_type(self.pair.layer).keras_classes
        return next((node for node in reversed(self.nodes) if node.class_name in classes), None)

    @property
    def place(self) -> str:
        """The Keras layer to point at."""
        main = self.main
        return main.name if main is not None else self.pair.keras[-1]

    @property
    def as_tried(self) -> Clues:
        """The same of what the trial reads: of a large layer that is only a piece."""
        if self.trial is None:
            return self
        return replace(self, bottoms=[bottom.shape for bottom in self.trial.setting.bottoms])

    @property
    def held(self) -> list[Held]:
        """The bottoms as the main Keras layer reads them."""
        orders: dict[Top, tuple[int, ...]] = {cut.top: cut.order for cut in self.pair.inputs}
        orders |= self.pair.read_as
        return [
            Held(shape, orders.get(top) or tuple(range(len(shape))))
            for top, shape in zip(self.pair.bottoms, self.bottoms, strict=True)
        ]
