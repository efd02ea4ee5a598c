"""The nouns: what flows along the line. Nothing here computes, reads or writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

Shape = tuple[int, ...]

Order = tuple[int, ...]
"""Which axis of a Caffe blob each axis of a Keras tensor holds: (0, 2, 3, 1) is channels last."""

Size = tuple[int, int] | tuple[int, int, int]
"""Of a picture: height and width, or channels, height and width."""


# ---------------------------------------------------------------------------------------------- the Caffe net


@dataclass(frozen=True, order=True)
class Top:
    """One state of a blob: what one layer left in it.

    In-place layers write over their bottom, so a blob's name does not say which of its states is meant;
    the layer that wrote it and the blob's name do.
    """

    layer: str
    blob: str

    def __str__(self) -> str:
        return self.layer if self.layer == self.blob else f"{self.layer}:{self.blob}"


@dataclass(frozen=True)
class Layer:
    """One layer of a Caffe net, its bottoms resolved to the layers that wrote them."""

    name: str
    type: str
    bottoms: tuple[Top, ...]
    tops: tuple[Top, ...]
    parameters: Any  # the protobuf message LayerParameter, with its `convolution_param` and so on
    line: int | None = None  # where the layer begins in the prototxt

    @property
    def in_place(self) -> bool:
        """True if the layer writes over one of its bottoms."""
        return any(top.blob == bottom.blob for top in self.tops for bottom in self.bottoms)


@dataclass(frozen=True)
class Network:
    """A Caffe net for inference: phase rules applied, old formats upgraded, in the order of execution."""

    name: str
    layers: tuple[Layer, ...]
    inputs: Mapping[Top, Shape]  # as the prototxt declares them, NCHW
    path: Path | None = None
    dropped: Mapping[str, str] = field(default_factory=dict)  # layers that only training needs → what became of them

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each layer of the file that is left out or changed."""
        return tuple(f"layer {name!r} of the prototxt: {why}" for name, why in self.dropped.items())

    def __getitem__(self, name: str) -> Layer:
        return self._by_name[name]

    def consumers(self, top: Top) -> tuple[Layer, ...]:
        """The layers that read this state of the blob, in the order of execution."""
        return self._readers.get(top, ())

    @cached_property
    def _by_name(self) -> Mapping[str, Layer]:
        return {layer.name: layer for layer in reversed(self.layers)}

    @cached_property
    def _readers(self) -> Mapping[Top, tuple[Layer, ...]]:
        readers: dict[Top, list[Layer]] = {}
        for layer in self.layers:
            for bottom in dict.fromkeys(layer.bottoms):
                readers.setdefault(bottom, []).append(layer)
        return {top: tuple(layers) for top, layers in readers.items()}


@runtime_checkable
class ShapedBlobs(Protocol):
    """Blobs that know their shapes without reading a number."""

    def shapes(self, layer: str) -> tuple[Shape, ...]:
        """Of a layer's blobs; empty for a layer without any."""


@dataclass(frozen=True)
class Weights:
    """Learned blobs by layer name, float32, in Caffe's layouts (a convolution's kernel is OIHW)."""

    blobs: Mapping[str, tuple[np.ndarray, ...]]
    kind: str  # "trained" or "synthetic"
    sha256: str  # of the caffemodel file
    path: Path

    def of(self, layer: str) -> tuple[np.ndarray, ...]:
        """A layer's blobs; empty for a layer without any."""
        return self.blobs.get(layer, ())

    def shapes_of(self, layer: str) -> tuple[Shape, ...]:
        """The shapes of a layer's blobs, which stay in their file if they are in one."""
        if isinstance(self.blobs, ShapedBlobs):
            return self.blobs.shapes(layer)
        return tuple(blob.shape for blob in self.of(layer))


# ------------------------------------------------------------------------------------------------- the case


@dataclass(frozen=True)
class WeightsSource:
    """Where a case's weights come from; exactly one of `caffemodel` and `seed` is set (`url` fills `caffemodel`)."""

    caffemodel: Path | None = None
    url: str | None = None
    sha256: str | None = None
    seed: int | None = None
    synthetic: bool = False  # what the caffemodel holds are numbers from a seed


@dataclass(frozen=True)
class InputSource:
    """What is fed to the net; exactly one of `image`, `array` and `seed` is set."""

    image: Path | None = None
    array: Path | Mapping[str, Path] | None = None  # one for every input, or one for each by the input's name
    seed: int | None = None
    mean_bgr: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = 1.0
    margin: int = 0  # pixels, reflected on all four sides
    size: Size | None = None  # None: as in the prototxt
    preprocess: str | None = None  # "file.py:function", the port's own


@dataclass(frozen=True)
class GoldenSource:
    """A recording too large to keep beside its case: a zip of its folder."""

    url: str
    sha256: str


@dataclass(frozen=True)
class Tolerance:
    """Limits set by hand for one layer, in place of rounding units."""

    atol: float = 0.0
    rtol: float = 0.0


@dataclass(frozen=True)
class Case:
    """What is compared with what: one case.toml, resolved."""

    name: str
    folder: Path
    prototxt: Path
    keras: str  # "file.py:function", "model.keras", "model.h5" or "auto"
    weights: WeightsSource
    input: InputSource
    keras_weights: str | None = None  # "own", "converted" or a file; None: own for a saved model, else converted
    names: Mapping[str, str] = field(default_factory=dict)  # Caffe layer → Keras layer
    tolerance: Mapping[str, Tolerance] = field(default_factory=dict)
    palette: tuple[tuple[int, int, int], ...] = ()  # RGB per label, for a segmentation net
    golden: GoldenSource | None = None
    file: Path | None = None  # the case.toml that it was read from
    python_layers: Path | None = None  # a folder of Caffe Python layers that the prototxt names
    asked_size: Size | None = None  # where not the case's own was asked for


# ------------------------------------------------------------------------------------------ the reference side


@dataclass(frozen=True)
class RecordedTop:
    """One line of a recording's manifest."""

    layer: str
    type: str
    top: str
    shape: Shape
    file: str
    sha256: str
    python: bool = False  # by a Python layer of ours, where the Caffe that ran lacks the type


@dataclass(frozen=True)
class Recording:
    """A folder with one activation per layer and top, as one engine computed them."""

    folder: Path
    engine: str  # "docker", "podman", "native", "opencv", "keras" …
    version: str  # "caffe 1.0.0"
    tops: tuple[RecordedTop, ...]  # in the order of execution
    image: str | None = None
    threads: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)  # sha256 of prototxt, weights, input, dump script
    seconds: float | None = None  # forward time, layers summed
    recorded_by: str | None = None  # the engine that made it, where `engine` says golden or recording
    age: float | None = None  # seconds since it was recorded; None if just now

    def of(self, layer: str) -> tuple[RecordedTop, ...]:
        """A layer's lines of the manifest; empty for a layer that was not recorded."""
        return self._by_layer.get(layer, ())

    @cached_property
    def _by_layer(self) -> Mapping[str, tuple[RecordedTop, ...]]:
        lines: dict[str, list[RecordedTop]] = {}
        for line in self.tops:
            lines.setdefault(line.layer, []).append(line)
        return {layer: tuple(own) for layer, own in lines.items()}


# ------------------------------------------------------------------------------------------ the candidate side


@dataclass(frozen=True)
class KerasNode:
    """One call of a layer (or `keras.ops` operation). Tensors are numbered; equal numbers are the same tensor."""

    name: str  # unique: the layer's own, "outer/inner" where that is not, "name#2" for a layer's second call
    class_name: str
    config: Mapping[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    output_shapes: tuple[tuple[int | None, ...], ...]
    dtype: str = "float32"  # what it computes in
    layer: str = ""  # the layer's own name
    path: tuple[str, ...] = ()  # the nested models that it stands in, from the outside
    operation: bool = False  # of keras.ops, not a layer
    arguments: Mapping[str, Any] = field(
        default_factory=dict
    )  # what it is called with beside tensors, as training=True


@dataclass(frozen=True)
class KerasGraph:
    """A Keras model as plain data, in topological order."""

    nodes: tuple[KerasNode, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_names: tuple[str, ...] = ()
    input_shapes: tuple[tuple[int | None, ...], ...] = ()


KerasShape = tuple[int | None, ...]
"""Of a Keras tensor, as the model declares it."""


@dataclass(frozen=True)
class View:
    """How a Keras tensor holds a Caffe blob that it has in other axes, as N, boxes, 21 for N × (boxes · 21).

    The blob's numbers seen in the shape `through`, these axes in `order`, are the tensor's numbers one after the other.
    """

    through: Shape  # in Caffe's order of axes
    order: Order
    shape: KerasShape  # the tensor's own


@dataclass(frozen=True)
class Cut:
    """A Keras tensor at an end of a segment, the Caffe top that it should equal, and how it holds that top's axes."""

    tensor: int
    top: Top
    order: Order
    view: View | None = None  # where the tensor has other axes than the top, in place of the order

    @property
    def layout(self) -> Order | View:
        """How the tensor holds the top: by the order of its axes, or by a view of it."""
        return self.view or self.order


@dataclass(frozen=True)
class Misread:
    """A Keras layer that reads another top than Caffe's layer does."""

    layer: str  # Caffe's name
    found: Top  # what stands in the tensor that it reads
    due: Top

    def __str__(self) -> str:
        return f"{self.layer} reads {self.found} in the Keras model, {self.due} in Caffe"


@dataclass(frozen=True)
class Pair:
    """What is compared with what: a run of Caffe layers and the Keras layers that compute the same.

    `caffe` holds the layer with the weights first and the layers fused into it after it; `main` is the Keras layer that
    stands for the first of them. `bottoms` are the tops that the first layer reads, in Caffe's order, in-place layers and
    identities resolved. The segment is cut at `inputs`; each of `outputs` is compared with its top, several where a layer
    has several tops.
    """

    caffe: tuple[Layer, ...]
    keras: tuple[str, ...]
    bottoms: tuple[Top, ...]
    inputs: tuple[Cut, ...]
    outputs: tuple[Cut, ...]
    reason: str
    main: str = ""
    read_as: Mapping[Top, Order] = field(default_factory=dict)  # how `main` holds what it reads, axes turned on the way
    misread: Misread | None = None
    precision: str = "float32"  # the lowest that its Keras layers compute in

    @property
    def layer(self) -> Layer:
        """The layer that the comparison is named after."""
        return self.caffe[0]

    @property
    def top(self) -> Top:
        """The top that is compared; the first, where there are several."""
        return self.outputs[0].top


@dataclass(frozen=True)
class LayerMap:
    """The map from Caffe's layers to Keras' layers."""

    pairs: tuple[Pair, ...]
    folded: tuple[str, ...]  # Caffe layers without arithmetic of their own and without a counterpart
    missing: Mapping[str, str]  # Caffe layer → why it has no counterpart
    extra: Mapping[str, str]  # Keras layer → why it has no counterpart
    order: tuple[str, ...]  # Caffe's layers as they are executed
    inputs: Mapping[int, Cut] = field(default_factory=dict)  # by the model's input tensors
    beyond: Mapping[str, str] = field(default_factory=dict)  # Keras layers behind the last counterpart → why they fail


# ------------------------------------------------------------------------------------------------ the judgement


class Status(str, Enum):
    """What a layer turned out to be; see docs on verdicts."""

    MATCH = "match"
    INHERITED = "inherited"
    DIVERGES = "diverges"
    SHAPE = "shape"
    MISSING = "missing"
    NONFINITE = "nonfinite"
    PENDING = "pending"
    CONSISTENT = "consistent"  # nothing was run, and the definitions do not contradict each other

    @property
    def fails(self) -> bool:
        """True if a layer of this status fails the run."""
        return self not in (Status.MATCH, Status.INHERITED, Status.CONSISTENT)


@dataclass(frozen=True)
class Worst:
    """The element with the largest error, its index in Caffe's layout."""

    index: Shape
    reference: float
    candidate: float


@dataclass(frozen=True)
class Metrics:
    """How two arrays differ. Errors in rounding units are None where no unit is known."""

    max_units: float | None
    rms_units: float | None
    max_abs: float
    max_rel: float  # largest absolute error over the largest absolute reference value
    slope: float
    intercept: float
    worst: Worst | None
    mismatched: int  # elements beyond the limit
    total: int
    nonfinite: int = 0
    channel_rms_units: float | None = None  # these three: of the channel worst in it
    systematic_units: float | None = None  # the share of its error that is an affine function of the reference
    relative_rms: float | None = None  # over the channel's own rms


@dataclass(frozen=True)
class Adjudication:
    """What the float64 stage found."""

    functions_max_rel: float  # candidate's function against Caffe's definition, both in float64, relative to Σ|w·x|
    reference_units: float  # Caffe's float32 against its definition, as a share of the guaranteed bound
    candidate_units: float
    agrees: bool
    reference_sound: bool
    sampled: int | None  # output elements examined, None for all


@dataclass(frozen=True)
class Witness:
    """What another engine, which is not Caffe, says of a top that it computed from the same input, end to end."""

    engine: str  # "opencv 4.12.0"
    agrees_with: str  # "reference", "candidate", "both" or "neither"
    max_abs: float | None  # its largest difference from the reference; None where its shape is another


@dataclass(frozen=True)
class Cause:
    """Why a layer is wrong. `code` is one of the contract's."""

    code: str
    summary: str
    evidence: str
    fix: str
    proven: bool = False
    before: float | None = None  # max|Δ| as it is
    after: float | None = None  # max|Δ| with what is proven changed
    precision: str | None = (
        None  # in which `after` was computed: "float64", where the Keras layers can be, or "float32"
    )
    source: str | None = None  # "keras_model.py:41"


@dataclass(frozen=True)
class LayerComparison:
    """One row of the report."""

    layer: str
    type: str
    top: str
    keras: tuple[str, ...]
    caffe: tuple[str, ...]
    status: Status
    judged_by: str  # "rounding", "exact", "float64", "user", "estimate" or "static"
    reference_shape: Shape | None
    candidate_shape: Shape | None
    isolated: Metrics | None = None
    end_to_end: Metrics | None = None
    float64: Adjudication | None = None
    inherited_from: str | None = None
    sampled: int | None = None
    causes: tuple[Cause, ...] = ()
    note: str | None = None  # a sentence, where the status alone does not say it
    reason: str = ""  # why these layers were taken for each other
    witness: Witness | None = None  # None if none was asked, or if it has no such layer


@dataclass(frozen=True)
class OutputComparison:
    """One output of the net, end to end."""

    top: str
    max_abs: float | None
    label_agreement: float | None  # share of positions where the largest channel is the same one
    accumulated: bool


@dataclass(frozen=True)
class Picture:
    """A small image for the pages: RGB, uint8, HWC. Not part of the JSON report."""

    title: str
    rgb_hwc: np.ndarray


@dataclass(frozen=True)
class ParityReport:
    """Everything there is to say about one run; what `report/` formats."""

    case: str
    command: str
    reference: Mapping[str, Any]  # engine, version, image, cached_seconds …
    candidate: Mapping[str, Any]  # engine, version, source
    weights: Mapping[str, Any]  # kind, sha256
    input: Mapping[str, Any]  # name, sha256, shape
    environment: Mapping[str, Any]
    layers: tuple[LayerComparison, ...]
    outputs: tuple[OutputComparison, ...]
    folded: tuple[str, ...]
    of: int  # layers that were to be compared
    mode: str = "both"  # "both", "isolated", "end-to-end" or "static", which compares definitions and runs nothing
    target: str = ""  # what `harness compare` is to be given to repeat it; the case's name if empty
    pictures: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def compared(self) -> int:
        """Layers that were held against their counterpart."""
        return sum(1 for row in self.layers if row.status not in (Status.MISSING, Status.PENDING))

    @property
    def passed(self) -> bool:
        """True if something was compared and nothing fails; an empty comparison proves nothing."""
        return self.compared > 0 and not any(row.status.fails for row in self.layers)

    def __getitem__(self, layer: str) -> LayerComparison:
        """The row of a Caffe layer, by its own name or that of a layer fused into it."""
        for row in self.layers:
            if layer == row.layer or layer in row.caffe:
                return row
        raise KeyError(layer)
