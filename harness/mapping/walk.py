"""The walk along the Keras graph that finds each layer's counterpart, and how every tensor holds its blob."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.data import (
    Cut,
    KerasGraph,
    KerasNode,
    KerasShape,
    Layer,
    LayerMap,
    Misread,
    Network,
    Order,
    Pair,
    Shape,
    Top,
    View,
)
from harness.errors import MappingError
from harness.layers import layer_type
from harness.layers.base import keras_name
from harness.layers.folding import canonical_tops, folds, idle_layers, read_tops
from harness.layers.shapes import infer_shapes
from harness.layout import Held, caffe_order, last_order
from harness.mapping.nodes import WITHIN, activation_of, follows, is_of_ones_own, only_moves, stands_for
from harness.mapping.orders import fits, input_cut, order_behind, passed_on
from harness.mapping.views import RESHAPING, behind, cut_at, in_caffes_order, is_believed, seen_as, viewed


@dataclass
class Walk:
    """One walk; `visit` every node in topological order, then take the `result`."""

    network: Network
    graph: KerasGraph
    names: Mapping[str, str]
    reasons: Mapping[str, str]
    # Keras tensor → the tops that it should equal, each with the order of its axes; None for one whose numbers it has in
    # an order that nobody believes
    bound: dict[int, dict[Top, Order | View | None]] = field(default_factory=dict)
    origins: dict[Top, Top] = field(default_factory=dict)  # a top whose numbers are another's, moved → that one
    roots: dict[int, tuple[int, ...]] = field(default_factory=dict)  # Keras tensor → the mapped tensors it is made of
    glue: dict[int, tuple[str, ...]] = field(default_factory=dict)  # … and the unmapped layers in between
    pairs: list[Pair] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)  # Caffe layers
    passed: set[str] = field(default_factory=set)  # Caffe layers that Keras does by holding the axes as it does
    trailing: set[str] = field(default_factory=set)  # Keras layers that belong to the segment before them
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shapes = infer_shapes(self.network)
        self.canonical = canonical_tops(self.network)
        self.reads = read_tops(self.network, self.canonical)
        self.needs = {
            layer.name: tuple(
                top
                for position, top in enumerate(self.reads[layer.name])
                if position not in layer_type(layer).shape_only
            )
            for layer in self.network.layers
        }
        self.readers: dict[Top, list[Layer]] = {}
        for layer in self.network.layers:
            if not folds(self.network, layer):
                for top in set(self.needs[layer.name]):
                    self.readers.setdefault(top, []).append(layer)
        self.nodes = {node.name: node for node in self.graph.nodes}
        self.keras_names = set(self.nodes)
        made = [(node.outputs, node.output_shapes) for node in self.graph.nodes]
        self.keras_shapes: dict[int, KerasShape] = {
            tensor: shape
            for tensors, shapes in ((self.graph.inputs, self.graph.input_shapes), *made)
            for tensor, shape in zip(tensors, shapes, strict=False)
        }
        self.keras_readers: dict[int, list[KerasNode]] = {}
        for node in self.graph.nodes:
            for tensor in set(node.inputs):
                self.keras_readers.setdefault(tensor, []).append(node)
        self._refuse_equal_names()
        self.caffe_by_keras = {keras_name(layer.name): layer for layer in self.network.layers}
        self.caffe_by_keras |= {keras: self.network[caffe] for caffe, keras in self.names.items()}
        for caffe, keras in self.names.items():
            if keras_name(caffe) != keras and self.caffe_by_keras.get(keras_name(caffe)) is self.network[caffe]:
                del self.caffe_by_keras[keras_name(caffe)]
        inputs = list(self.network.inputs)
        if len(self.graph.inputs) != len(inputs):
            raise MappingError(
                f"the Caffe net has {len(inputs)} inputs ({', '.join(top.blob for top in inputs)}), "
                f"the Keras model {len(self.graph.inputs)}"
            )
        by_name = {keras_name(top.blob): top for top in inputs}
        if set(self.graph.input_names) == set(by_name):
            inputs = [by_name[name] for name in self.graph.input_names]
        self.starts = {
            tensor: input_cut(self.graph, tensor, top, self.shapes[top])
            for tensor, top in zip(self.graph.inputs, inputs, strict=True)
        }
        for cut in self.starts.values():
            self._bind(cut)

    def _refuse_equal_names(self) -> None:
        """Raises MappingError for two Caffe names that Keras cannot tell apart: `a/b` and `a__b`."""
        seen: dict[str, str] = {}
        for layer in self.network.layers:
            other = seen.setdefault(keras_name(layer.name), layer.name)
            if other != layer.name and not {other, layer.name} & set(self.names):
                raise MappingError(
                    f"layers {other!r} and {layer.name!r} would both be {keras_name(layer.name)!r} in Keras",
                    layer=layer.name,
                    line=layer.line,
                    fix='name one of them in the case: [names] "caffe layer" = "keras layer"',
                )

    def visit(self, node: KerasNode) -> None:
        if node.name in self.trailing or all(tensor in self.bound for tensor in node.outputs):
            return
        self._bridge(node)
        sources = _unique(root for tensor in node.inputs for root in self.roots.get(tensor, ()))
        before = _unique(name for tensor in node.inputs for name in self.glue.get(tensor, ()))
        layer, reason = self._layer_for(node, sources)
        if layer is None:
            self._fold(node, sources, before)
            return
        reads = self._inputs(layer, sources) or self._read_twice(layer, node, sources)
        if reads is None:
            self.extra[node.name] = (
                f"stands for {layer.name!r}, which reads {len(layer.bottoms)} blobs, but reads {len(sources)}"
            )
            self._fold(node, sources, before)
            return
        caffe = self._with_fused(layer, node)
        self._pair(caffe, reads, before, node, reason)

    def _pair(
        self, caffe: tuple[Layer, ...], reads: tuple[_Read, ...], before: Sequence[str], node: KerasNode, reason: str
    ) -> None:
        """Take a Keras layer, with what leads to it and belongs to it, for some Caffe layers."""
        layer = caffe[0]
        tail = self._tail(layer, before, node)
        self.taken.update(one.name for one in caffe)
        self.trailing.update(one.name for one in tail[1:])
        keras = (*before, *(one.name for one in tail))
        low = [self.nodes[name].dtype for name in keras if self.nodes[name].dtype not in ("float32", "float64")]
        layouts = self._layouts(node, reads)
        held = [self._held(read, layout) for read, layout in zip(reads, layouts, strict=True)]
        # In Caffe's order: what a Keras layer multiplies or adds, it may read in any.
        by_top = {read.top: blob for read, blob in zip(reads, held, strict=True)}
        ordered = [by_top[top] for top in self.reads[layer.name] if top in by_top] or held
        orders = order_behind(layer, ordered, node, tail[1:], self.shapes)
        tops = layer.tops if caffe[-1] is layer else caffe[-1].tops
        outputs = tuple(
            cut_at(tensor, top, self._seen_behind(layer, node, reads, layouts, top, shape) or order.fit(shape))
            for tensor, shape, top, order in zip(tail[-1].outputs, tail[-1].output_shapes, tops, orders, strict=False)
        )
        self.pairs.append(
            Pair(
                caffe=caffe,
                keras=keras,
                bottoms=self.reads[layer.name],
                inputs=tuple(read.cut for read in reads),
                outputs=outputs,
                reason=reason,
                main=node.name,
                read_as={top: blob.order for top, blob in by_top.items()},
                precision=low[0] if low else "float32",
            )
        )
        for cut in outputs:
            self._bind(replace(cut, top=self.canonical[cut.top]))

    def _bridge(self, node: KerasNode) -> None:
        """What stands before a counterpart without being one is the counterpart of what Caffe has there, if it has that.

        A rectifier is written as a Lambda, a normalisation as some operations: whatever they compute is held against the
        Caffe layers between the two that have no other counterpart.
        """
        named = self.caffe_by_keras.get(node.name)
        for tensor in node.inputs:
            for chain in self._unclaimed(tensor):
                top = self.canonical[chain[-1].tops[0]]
                readers = self.readers.get(top, ())
                behind = named in readers if named is not None else any(self._may_be(node, one) for one in readers)
                if behind and self._take_over(tensor, chain):
                    break

    def _unclaimed(self, tensor: int) -> list[tuple[Layer, ...]]:
        """Caffe layers without a namesake that read what a tensor is made of: each, and with those that follow it."""
        if all(only_moves(self.nodes[name]) for name in self.glue.get(tensor, ())):
            return []
        roots = self.roots[tensor]
        tops = _unique(top for root in roots for top in self.bound[root])
        firsts = {one.name: one for top in tops for one in self.readers.get(top, ())}
        chains: list[tuple[Layer, ...]] = [
            (one,) for one in firsts.values() if self._is_free(one) and self._reads_the_same(one, roots)
        ]
        found: list[tuple[Layer, ...]] = []
        while chains:
            chain = chains.pop()
            found.append(chain)
            if len(chain[-1].tops) == 1:
                behind = self.readers.get(self.canonical[chain[-1].tops[0]], ())
                chains += [(*chain, one) for one in behind if self._is_free(one) and follows(one)]
        return [chain for chain in found if len(chain[-1].tops) == 1]

    def _is_free(self, layer: Layer) -> bool:
        """True for a Caffe layer that nothing in the Keras model is named after or was taken for."""
        taken = layer.name in self.taken or layer.name in self.names or keras_name(layer.name) in self.keras_names
        return not taken and not layer_type(layer).moves

    def _may_be(self, node: KerasNode, layer: Layer) -> bool:
        return self._is_free(layer) and stands_for(node, layer)

    def _take_over(self, tensor: int, chain: tuple[Layer, ...]) -> bool:
        """Take the unmapped layers that lead to a tensor for some Caffe layers, up to the last that computes."""
        glue = [self.nodes[name] for name in self.glue[tensor]]
        last = max(index for index, node in enumerate(glue) if not only_moves(node))
        made, shape = glue[last].outputs[0], self.shapes[self.canonical[chain[-1].tops[0]]]
        reads = self._inputs(chain[0], self.roots[tensor])
        if reads is None or not _could_be(self.keras_shapes.get(made, ()), shape):
            return False
        classes = " and ".join(_unique(node.class_name for node in glue[: last + 1] if not only_moves(node)))
        for node in glue[: last + 1]:
            self.extra.pop(node.name, None)
        self._pair(chain, reads, [node.name for node in glue[:last]], glue[last], f"{classes} at the same place")
        for node in glue[last + 1 :]:
            self._fold(node, self.roots[node.inputs[0]], self.glue.get(node.inputs[0], ()))
        return True

    def _layouts(self, node: KerasNode, reads: Sequence[_Read]) -> list[Order | View | None]:
        """How a Keras layer has the blobs that Caffe's reads, behind the layers between it and its segment's inputs."""
        paths = {
            root: [self.nodes[name] for name in self.glue.get(tensor, ())]
            for tensor in node.inputs
            for root in self.roots.get(tensor, ())
        }
        return [self._layout(read, paths.get(read.cut.tensor, ())) for read in reads]

    def _layout(self, read: _Read, path: Sequence[KerasNode]) -> Order | View | None:
        cut = read.cut
        if cut.view is None and cut.top == read.top and not any(node.class_name in RESHAPING for node in path):
            return passed_on(cut.order, path)
        view = behind(viewed(cut.layout, self.shapes[cut.top], self.keras_shapes.get(cut.tensor, ())), path)
        if view is None or not self._reshaped(read.top, cut.top):
            return None
        return seen_as(view, self.shapes[read.top])

    def _held(self, read: _Read, layout: Order | View | None) -> Held:
        """The blob that the Caffe layer reads, as well as an order of its axes can say how it is held."""
        shape = self.shapes[read.top]
        for one in (layout, read.cut.layout if read.cut.top == read.top else None):
            order = one.order if isinstance(one, View) and one.through == shape else one
            if order is not None and not isinstance(order, View) and len(order) == len(shape):
                return Held(shape, order)
        return Held(shape, caffe_order(len(shape)))

    def _seen_behind(
        self,
        layer: Layer,
        node: KerasNode,
        reads: Sequence[_Read],
        layouts: Sequence[Order | View | None],
        top: Top,
        keras: KerasShape,
    ) -> Order | View | None:
        """How a tensor of other axes than the top's holds it; None where its own axes say that, or nothing does.

        A layer that gives what it reads another value and no other place leaves the view as it is; one whose bottoms all
        follow each other as in Caffe gives a top that does; and what is only reshaped is still the same numbers.
        """
        reshapes = layer_type(layer).reshapes
        if not layouts or layouts[0] is None or not (reshapes or any(isinstance(one, View) for one in layouts)):
            return None
        shape = self.shapes[top]
        view = viewed(layouts[0], self.shapes[reads[0].top], self.keras_shapes.get(node.inputs[0], ()))
        if reshapes:
            after = behind(view, [node])
            seen = seen_as(after, shape) if after is not None else None
            # In axes that could be the top's own the tensor must be in their order, and is held to it.
            return None if isinstance(seen, View) and _could_be(keras, shape) else seen
        if _could_be(keras, shape):
            return None
        if keras == view.shape and shape == self.shapes[reads[0].top]:
            return view
        views = [
            viewed(one, self.shapes[read.top], ()) for one, read in zip(layouts, reads, strict=True) if one is not None
        ]
        if len(views) == len(layouts) and all(map(in_caffes_order, views)):
            return View(shape, caffe_order(len(shape)), keras)
        return None

    def _reshaped(self, top: Top, origin: Top) -> bool:
        """True if all layers between two tops leave the numbers in Caffe's order."""
        while top != origin:
            if not layer_type(self.network[top.layer]).reshapes:
                return False
            top = self.origins[top]
        return True

    def result(self) -> LayerMap:
        beyond = self._follow_outputs()
        spared = self.passed | (idle_layers(self.network) - self.taken)
        folded = [layer.name for layer in self.network.layers if folds(self.network, layer) or layer.name in spared]
        missing = {
            layer.name: f"no Keras layer is named {keras_name(layer.name)!r} and none stands at its place in the graph"
            for layer in self.network.layers
            if layer.name not in self.taken and layer.name not in folded
        }
        order = tuple(layer.name for layer in self.network.layers)
        pairs = tuple(replace(pair, misread=self._misread(pair, missing)) for pair in self.pairs)
        used = {name for pair in pairs for name in pair.keras}
        extra = {name: why for name, why in self.extra.items() if name in used}
        return LayerMap(pairs, tuple(folded), missing, extra, order, self.starts, beyond)

    def _follow_outputs(self) -> dict[str, str]:
        """What the model does behind the last counterpart: mere reordering is compared along, the rest is at fault."""
        beyond: dict[str, str] = {}
        for output in self.graph.outputs:
            if output not in self.bound:
                ends = [chain for chain in self._unclaimed(output) if not self.readers.get(chain[-1].tops[0])]
                if len(ends) == 1:
                    self._take_over(output, ends[0])
            if output in self.bound:
                continue
            roots, glue = self.roots.get(output, ()), self.glue.get(output, ())
            makers = [
                (index, cut) for index, pair in enumerate(self.pairs) for cut in pair.outputs if roots == (cut.tensor,)
            ]
            read = {cut.tensor for pair in self.pairs for cut in pair.inputs}
            if makers and all(only_moves(self.nodes[name]) for name in glue):
                (index, cut), *_ = makers
                pair = self.pairs[index]
                end = cut_at(output, cut.top, self._end(cut, output, [self.nodes[name] for name in glue]))
                # What another layer reads as it was is compared so as well.
                kept = tuple(one for one in pair.outputs if one is not cut or one.tensor in read)
                self.pairs[index] = replace(pair, keras=(*pair.keras, *glue), outputs=(*kept, end))
                continue
            last = glue[-1] if glue else "the model's output"
            kind = f" ({self.nodes[last].class_name})" if last in self.nodes else ""
            beyond[last] = f"the model's output comes out of {last!r}{kind}, which the Caffe net does not have"
        return beyond

    def _end(self, cut: Cut, output: int, path: Sequence[KerasNode]) -> Order | View:
        """How the model's output holds a top, behind layers that only move numbers.

        Where Caffe moves them too, as by a Flatten at the end, an output in the axes that Caffe gives must be in their order.
        """
        keras, start = self.keras_shapes.get(output, ()), self.keras_shapes.get(cut.tensor, ())
        last = next(top for top, layout in reversed(self.bound[cut.tensor].items()) if layout is not None)
        layout = self.bound[cut.tensor][last]
        assert layout is not None
        view = behind(viewed(layout, self.shapes[last], start), path)
        seen = seen_as(view, self.shapes[last]) if view is not None and is_believed(view) else None
        if isinstance(seen, View) or seen is None:
            strict = [order for order in _believed(self.shapes[last]) if fits(keras, Held(self.shapes[last], order))]
            if strict:
                return strict[0] if last == cut.top else View(self.shapes[last], strict[0], keras)
        own = behind(viewed(cut.layout, self.shapes[cut.top], start), path)
        if seen is None or own is None or not is_believed(own):
            return cut.layout
        return seen_as(own, self.shapes[cut.top])

    def _misread(self, pair: Pair, missing: Mapping[str, str]) -> Misread | None:
        """What the Keras layer reads in the place of Caffe's bottom, if no missing layer in between explains it."""
        for cut in pair.inputs:
            if cut.top in self.bound[cut.tensor]:
                continue
            found, reach = next(iter(self.bound[cut.tensor])), {cut.top}
            while found not in reach:
                further = {top for one in reach if one.layer in missing for top in self.reads[one.layer]}
                if further <= reach:
                    return Misread(pair.layer.name, found, cut.top)
                reach |= further
        return self._unread(pair, missing)

    def _unread(self, pair: Pair, missing: Mapping[str, str]) -> Misread | None:
        """The bottom in whose place another tensor is read twice."""
        node = self.nodes[pair.main]
        if len(pair.inputs) >= len(node.inputs):
            return None
        at_hand = {top for cut in pair.inputs for top in self.bound[cut.tensor]}
        lacking = [top for top in self.needs[pair.layer.name] if top not in at_hand and top.layer not in missing]
        twice = next((cut for cut in pair.inputs if list(node.inputs).count(cut.tensor) > 1), None)
        return Misread(pair.layer.name, twice.top, lacking[0]) if lacking and twice is not None else None

    def _bind(self, cut: Cut) -> None:
        self.roots[cut.tensor] = (cut.tensor,)
        self.glue.pop(cut.tensor, None)
        self._bind_top(cut.tensor, cut.top, cut.layout)

    def _bind_top(self, tensor: int, top: Top, layout: Order | View | None) -> None:
        self.bound.setdefault(tensor, {})[top] = layout
        for layer in self.readers.get(top, ()):
            self._pass_on(layer, tensor, top, layout)

    def _pass_on(self, layer: Layer, tensor: int, bottom: Top, layout: Order | View | None) -> None:
        """A layer that only moves numbers, or renames axes, needs no counterpart: the tensor has its top's numbers too."""
        described = layer_type(layer)
        named = keras_name(layer.name) in self.keras_names or layer.name in self.names
        if named or layer.name in self.taken or len(layer.bottoms) != 1:
            return
        top, shape = self.canonical[layer.tops[0]], self.shapes[bottom]
        held = None if layout is None or isinstance(layout, View) else Held(shape, layout)
        seen: Order | View | None = described.renames(layer, held) if held is not None else None
        if seen is None and not described.moves:
            return
        if seen is None and described.reshapes and layout is not None:
            seen = seen_as(viewed(layout, shape, self.keras_shapes.get(tensor, ())), self.shapes[top])
        self.passed.add(layer.name)
        self.taken.add(layer.name)
        self.origins[top] = bottom
        self._bind_top(tensor, top, seen)

    def _fold(self, node: KerasNode, sources: tuple[int, ...], before: tuple[str, ...]) -> None:
        for tensor in node.outputs:
            self.roots[tensor] = sources
            self.glue[tensor] = (*before, node.name)
        if not only_moves(node) and node.name not in self.extra:
            self.extra[node.name] = f"no Caffe layer for this {node.class_name}; it is judged with the layer behind it"

    def _layer_for(self, node: KerasNode, sources: Sequence[int]) -> tuple[Layer | None, str]:
        named = self.caffe_by_keras.get(node.name)
        if named is not None:
            if folds(self.network, named) or named.name in self.taken:
                return None, ""
            return named, self.reasons.get(named.name, "named in the case" if named.name in self.names else "same name")
        at_hand = [top for source in sources[:1] for top in self.bound[source]]
        for layer in (layer for top in at_hand for layer in self.readers.get(top, ())):
            if (
                layer.name not in self.taken
                and not layer_type(layer).moves
                and layer.name not in self.names
                and keras_name(layer.name) not in self.keras_names
                and self._reads_the_same(layer, sources)
                and stands_for(node, layer)
            ):
                return layer, f"{node.class_name} at the same place in the graph"
        return None, ""

    def _reads_the_same(self, layer: Layer, sources: Sequence[int]) -> bool:
        """True if every blob that the layer needs stands in one of the tensors, and every tensor is one that it reads."""
        at_hand = {top for source in sources for top in self.bound[source]}
        read = set(self.reads[layer.name])
        return at_hand.issuperset(self.needs[layer.name]) and all(read & set(self.bound[source]) for source in sources)

    def _with_fused(self, layer: Layer, node: KerasNode) -> tuple[Layer, ...]:
        """The Caffe layer and those that the Keras layer's `activation` stands for."""
        readers = self.readers.get(self.canonical[layer.tops[0]], []) if layer.tops else []
        if len(readers) != 1 or readers[0].name in self.taken:
            return (layer,)
        if layer_type(readers[0]).is_within(readers[0], node) and not self._stands_alone(readers[0], node):
            return (layer, readers[0])
        if is_of_ones_own(node):
            return (layer, *self._within_ones_own(layer, node))
        activation = None if node.class_name in WITHIN else activation_of(node)
        if activation is None or not layer_type(readers[0]).fuses:
            return (layer,)
        # An activation of another kind is still the counterpart, a wrong one, unless the right one stands by itself.
        if activation in layer_type(readers[0]).fuses or not self._stands_alone(readers[0], node):
            return (layer, readers[0])
        return (layer,)

    def _within_ones_own(self, layer: Layer, node: KerasNode) -> Iterator[Layer]:
        """What a layer of the user's own may do besides: the layers behind, one site at a time, that nothing else does."""
        while True:
            readers = self.readers.get(self.canonical[layer.tops[0]], [])
            if len(readers) != 1 or readers[0].name in self.taken or not follows(readers[0]):
                return
            if self._stands_alone(readers[0], node) or not self.keras_readers.get(node.outputs[0]):
                return
            (layer,) = readers
            yield layer

    def _stands_alone(self, layer: Layer, behind: KerasNode) -> bool:
        """True if the Keras model has a layer of its own for this one."""
        if keras_name(layer.name) in self.keras_names or layer.name in self.names:
            return True
        return any(
            stands_for(reader, layer) and self.caffe_by_keras.get(reader.name, layer) is layer
            for reader in self.keras_readers.get(behind.outputs[0], ())
        )

    def _inputs(self, layer: Layer, sources: Sequence[int]) -> tuple[_Read, ...] | None:
        """Which of the layer's bottoms belongs to which Keras tensor: what is known to be equal first, then by order."""
        if not layer.bottoms:  # it hangs on some tensor of the graph, whose numbers do not matter
            return tuple(self._read(source, next(iter(self.bound[source]))) for source in sources)
        left = self._distinct(self.needs[layer.name], sources)
        if len(left) != len(sources):
            left = self._distinct(self.reads[layer.name], sources)
        if len(left) != len(sources):
            return None
        found: dict[int, Top] = {}
        for source in sources:
            for top in self.bound[source]:
                if top in left:
                    found[source] = top
                    left.remove(top)
                    break
        for source in sources:
            if source not in found:
                found[source] = left.pop(0)
        return tuple(self._read(source, found[source]) for source in sources)

    def _read_twice(self, layer: Layer, node: KerasNode, sources: Sequence[int]) -> tuple[_Read, ...] | None:
        """Of a Keras layer that reads as many tensors as Caffe's, one of them twice: a shortcut from the wrong layer."""
        needs = self.needs[layer.name]
        known = [next((top for top in needs if top in self.bound[source]), None) for source in sources]
        if len(node.inputs) != len(needs) or not sources:
            return None
        reads = [self._read(source, top) for source, top in zip(sources, known, strict=True) if top is not None]
        return tuple(reads) if len(reads) == len(sources) else None

    def _distinct(self, tops: Sequence[Top], sources: Sequence[int]) -> list[Top]:
        """The tops without those that stand in the same Keras tensor as one before them: it is read once for both."""
        distinct = list(_unique(tops))
        for source in sources:
            same = [top for top in distinct if top in self.bound[source]]
            distinct = [top for top in distinct if top not in same[1:]]
        return distinct

    def _read(self, tensor: int, top: Top) -> _Read:
        """A tensor as one of the tops that it has, or, where it has it moved in no known way, as the top before that."""
        known, own = self.bound[tensor], top
        while own in known and known[own] is None:
            own = self.origins[own]
        return _Read(cut_at(tensor, own, known.get(own) or self._guess(known, own)), top)

    def _guess(self, known: Mapping[Top, Order | View | None], top: Top) -> Order:
        """The order of a top that should not stand in a tensor: it is taken to hold it as it holds its own."""
        order, rank = next(iter(known.values())), len(self.shapes[top])
        return order if order is not None and not isinstance(order, View) and len(order) == rank else last_order(rank)

    def _tail(self, layer: Layer, before: Sequence[str], node: KerasNode) -> tuple[KerasNode, ...]:
        """The Keras layer and the glue behind it that still belongs to it, as a crop behind a transposed convolution."""
        tail, leading = [node], [self.nodes[name] for name in before]
        while True:
            readers = self.keras_readers.get(tail[-1].outputs[0], [])
            fits = (
                len(readers) == 1
                and layer_type(layer).trails(layer, [*leading, *tail], readers[0])
                and readers[0].name not in self.caffe_by_keras
            )
            if not fits:
                return tuple(tail)
            tail.append(readers[0])


@dataclass(frozen=True)
class _Read:
    """What a Keras layer reads: where its segment begins, and the blob that Caffe's layer reads.

    The two are different tops where layers that only move numbers lie between them.
    """

    cut: Cut
    top: Top


def _believed(shape: Shape) -> tuple[Order, Order]:
    return last_order(len(shape)), caffe_order(len(shape))


def _could_be(keras: KerasShape, shape: Shape) -> bool:
    """True if a tensor's axes can be a blob's own."""
    return any(fits(keras, Held(shape, order)) for order in _believed(shape))


def _unique(items: object) -> tuple:  # type: ignore[type-arg]
    return tuple(dict.fromkeys(items))  # type: ignore[call-overload]
