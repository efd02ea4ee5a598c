"""The Keras layers that a Caffe net becomes, as data: both the source text and the live model are made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from harness.data import Layer, Network, Order, Shape, Top
from harness.layers import layer_type
from harness.layers.base import KerasCall, keras_name
from harness.layers.folding import folds
from harness.layers.shapes import blob_shapes, infer_shapes, refusals_in
from harness.layout import Held, caffe_order, last_order


class Ref(NamedTuple):
    """A tensor of the plan: the step that makes it (−1 − i is input i), and which of its outputs it is."""

    step: int
    output: int = 0


@dataclass(frozen=True)
class Step:
    """One Keras layer in its place: what it is, its name if it has one, and what it reads."""

    call: KerasCall
    name: str | None
    reads: tuple[Ref, ...]
    outputs: int = 1
    shares: int | None = None  # the step whose layer is called again, since Caffe's layers share their blobs


@dataclass(frozen=True)
class Plan:
    """The Keras model."""

    name: str
    inputs: tuple[tuple[str, Shape], ...]  # name → shape in Keras' order, without the batch
    steps: tuple[Step, ...] = field(default_factory=tuple)
    outputs: tuple[Ref, ...] = ()
    fused: Mapping[str, str] = field(default_factory=dict)  # Caffe layer → the Keras layer that it went into
    reads: Mapping[str, tuple[Held, ...]] = field(default_factory=dict)  # Caffe layer → how its Keras layer reads

    @property
    def sequential(self) -> bool:
        """True if every layer reads just the one before it."""
        chain = all(step.reads == (Ref(index - 1),) and step.outputs == 1 for index, step in enumerate(self.steps))
        return chain and len(self.inputs) == 1 and self.outputs == (Ref(len(self.steps) - 1),)


def plan(network: Network) -> Plan:
    """Lay out the Keras layers of a net.

    Raises:
        UnsupportedError: a layer that Keras cannot express; it names the layer, its line and what to add.
    """
    unneeded: frozenset[str] = frozenset()
    while True:
        planner = _Planner(network, unneeded)
        made = planner.run()
        more = planner.unread(made)
        if not more:
            return made
        unneeded |= more


def input_order(rank: int) -> Order:
    """How a converted net takes an input: pictures and volumes channels last, sequences and vectors as Caffe has them."""
    return last_order(rank) if rank > 3 else caffe_order(rank)


class _Planner:
    """Lays out a net, without the layers whose tops no Keras layer reads: where a crop looks at a shape, say."""

    def __init__(self, network: Network, unneeded: frozenset[str]) -> None:
        self.network = network
        self.unneeded = unneeded
        self.shapes = infer_shapes(network)
        self.steps: list[Step] = []
        self.owners: dict[int, Layer] = {}  # step → the Caffe layer whose main call it is
        self.refs: dict[Top, Ref] = {}
        self.tops: dict[Ref, list[Top]] = {}  # the other way round
        self.held: dict[Top, Held] = {}
        self.moved: dict[tuple[Ref, Order], Ref] = {}  # what was brought into another order already
        self.fused: dict[str, str] = {}
        self.shared = _shared_blobs(network, self.shapes)
        self.reads: dict[str, tuple[Held, ...]] = {}

    def run(self) -> Plan:
        inputs = []
        for index, (top, shape) in enumerate(self.network.inputs.items()):
            self._hold(top, Ref(-1 - index), Held(shape, input_order(len(shape))))
            inputs.append((keras_name(top.blob), self.held[top].keras_shape[1:]))
        for layer in self.network.layers:
            if layer.type != "Input":
                with refusals_in(self.network):
                    self._add(layer)
        name = self.network.name or "net"
        return Plan(name, tuple(inputs), tuple(self.steps), self._outputs(), self.fused, self.reads)

    def unread(self, made: Plan) -> frozenset[str]:
        """The Caffe layers whose Keras layers lead to no output of the plan."""
        needed: set[int] = set()
        left = list(made.outputs)
        while left:
            ref = left.pop()
            if ref.step >= 0 and ref.step not in needed:
                needed.add(ref.step)
                left += self.steps[ref.step].reads
        return frozenset(layer.name for step, layer in self.owners.items() if step not in needed)

    def _add(self, layer: Layer) -> None:
        if layer.name in self.unneeded:
            for top in layer.tops:
                self._hold(top, Ref(-1), Held(self.shapes[top], caffe_order(len(self.shapes[top]))))
            return
        refs = [self.refs[top] for top in layer.bottoms]
        held = [self.held[top] for top in layer.bottoms]
        kind = layer_type(layer)
        calls: Sequence[KerasCall] = ()
        if not folds(self.network, layer) or kind.identity:
            if self._fuse(layer, refs):
                self._hold(layer.tops[0], refs[0], Held(self.shapes[layer.tops[0]], held[0].order))
                return
            wanted = kind.wants(layer, held)
            placed = [self._in_order(*one) for one in zip(refs, held, wanted, strict=True)]
            refs, held = [ref for ref, _ in placed], [blob for _, blob in placed]
            calls = kind.keras_calls(layer, held)
        self.reads[layer.name] = tuple(held)
        made = self._call(layer, calls, refs)
        if folds(self.network, layer):
            for top in layer.tops:  # behind a Flatten that Keras leaves to its Dense the axes are still those before it
                self._hold(top, made, held[0])
            return
        orders = kind.gives(layer, held)
        for position, (top, order) in enumerate(zip(layer.tops, orders, strict=True)):
            self._hold(top, Ref(made.step, position) if calls else made, Held(self.shapes[top], order))

    def _call(self, layer: Layer, calls: Sequence[KerasCall], bottoms: Sequence[Ref]) -> Ref:
        """Append a layer's calls; the last one's first output."""
        first = len(self.steps)
        # What reads nothing in Caffe, as a Parameter, hangs on the net's input: a Keras graph begins there.
        before: tuple[Ref, ...] = tuple(bottoms) or (Ref(-1),)
        for call in calls:
            if call.reads is not None:
                reads = tuple(Ref(first + index) if index >= 0 else bottoms[-1 - index] for index in call.reads)
            else:
                reads = before
            last = call is calls[-1]
            name = keras_name(layer.name) if call.main else None
            shares = None
            if call.main:
                shares = self._owner_of(layer, call)
                self.owners[len(self.steps)] = layer
            self.steps.append(Step(call, name, reads, len(layer.tops) if last else 1, shares))
            before = (Ref(len(self.steps) - 1),)
        return before[0]

    def _in_order(self, ref: Ref, held: Held, want: Order | None) -> tuple[Ref, Held]:
        """A blob with its axes in another order, if that is wanted."""
        if want is None or want == held.order:
            return ref, held
        if (ref, want) not in self.moved:
            dims = tuple(held.order.index(axis) for axis in want[1:])
            where = "the axes in Caffe's order" if want == caffe_order(held.rank) else "channels last again"
            self.steps.append(Step(KerasCall("Permute", {"dims": dims}, 1, comment=where), None, (ref,)))
            self.moved[ref, want] = Ref(len(self.steps) - 1)
        return self.moved[ref, want], Held(held.shape, want)

    def _hold(self, top: Top, ref: Ref, held: Held) -> None:
        self.refs[top], self.held[top] = ref, held
        self.tops.setdefault(ref, []).append(top)

    def _fuse(self, layer: Layer, refs: Sequence[Ref]) -> bool:
        """Take the layer into the Keras layer before it, if that can and nobody else reads what stands between them."""
        owner = self.owners.get(refs[0].step) if len(refs) == 1 else None
        if owner is None or owner.name in self.shared or not self._is_sole_reader(refs[0]):
            return False
        step = self.steps[refs[0].step]
        call = layer_type(owner).absorbs(owner, layer, step.call)
        if call is None:
            return False
        self.steps[refs[0].step] = replace(step, call=call)
        assert step.name is not None
        self.fused[layer.name] = step.name
        return True

    def _owner_of(self, layer: Layer, call: KerasCall) -> int | None:
        """The step of a layer with the same blobs and the same Keras layer, which is then called again."""
        blobs = self.shared.get(layer.name)
        if not blobs:
            return None
        for index, owner in self.owners.items():
            if self.shared.get(owner.name) == blobs and self.steps[index].call == call:
                return index
        return None

    def _is_sole_reader(self, ref: Ref) -> bool:
        """True if one layer alone reads a tensor, Splits looked through, and it is no output as it stands."""
        readers = [self.network.consumers(top) for top in self.tops[ref]]
        names = {layer.name for some in readers for layer in some if layer.type != "Split"}
        return len(names) == 1 and all(readers)

    def _outputs(self) -> tuple[Ref, ...]:
        """The tops that nobody reads and nobody overwrites, in the order of execution."""
        read = {bottom for layer in self.network.layers for bottom in layer.bottoms}
        left = [top for layer in self.network.layers for top in layer.tops if top not in read and layer.type != "Input"]
        return tuple(self.refs[top] for top in left)


def _shared_blobs(network: Network, shapes: Mapping[Top, Shape]) -> dict[str, tuple[str, ...]]:
    """The layers all of whose blobs bear names that another layer's bear too, each with those names."""
    counts = {name: len(blobs) for name, blobs in blob_shapes(network, shapes).items()}
    named = {
        layer.name: tuple(str(spec.name) for spec in layer.parameters.param)
        for layer in network.layers
        if counts.get(layer.name) == len(layer.parameters.param) and all(spec.name for spec in layer.parameters.param)
    }
    counted = Counter(named.values())
    return {name: names for name, names in named.items() if counted[names] > 1}
