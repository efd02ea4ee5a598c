"""A pair's Caffe layers as a net of their own: inputs, the layers, nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from harness.caffe.caffe_pb2 import LayerParameter
from harness.data import Layer, Network, Pair, Shape, Top
from harness.layers import layer_type
from harness.layers.folding import canonical_tops, read_tops


@dataclass(frozen=True)
class OneLayer:
    """A net around one layer."""

    network: Network
    inputs: Mapping[str, Top]  # the net's inputs by blob, in Keras' order: the tops of the whole net that they are
    outputs: tuple[str, ...]  # the blobs that are compared


def cut_out(network: Network, pair: Pair, folded: Collection[str], shapes: Mapping[Top, Shape]) -> OneLayer:
    """The layers of a pair, those before them that only move numbers (between the pair's inputs and what its layer reads),
    and an Input for each blob that they begin with. Where only a blob's shape matters, a DummyData layer gives it.

    Args:
        folded: the layers without a counterpart of their own.
        shapes: of the net's tops.
    """
    return _Scissors(network, pair, folded, shapes).cut()


class _Scissors:
    def __init__(self, network: Network, pair: Pair, folded: Collection[str], shapes: Mapping[Top, Shape]) -> None:
        self.network, self.pair, self.folded, self.shapes = network, pair, folded, shapes
        self.canonical = canonical_tops(network)
        self.reads = read_tops(network, self.canonical)
        self.blobs: dict[Top, str] = {}  # what each top is called
        self.inputs: dict[str, Top] = {}
        self.before: list[Layer] = []

    def cut(self) -> OneLayer:
        beginnings = [self._input(cut.top) for cut in self.pair.inputs if cut.top not in self.blobs]
        spared = layer_type(self.pair.layer).shape_only
        for position, bottom in enumerate(self.pair.bottoms):
            beginnings += self._reach(bottom, only_shape=position in spared)
        layers = [*self.before, *(self._rewired(layer) for layer in self.pair.caffe)]
        for beginning in beginnings:  # it is named after its blob, and so may another layer be
            if any(layer.name == beginning.name for layer in layers):
                beginning.name += "_given"
        name = f"{self.network.name}, {self.pair.layer.name}" if self.network.name else self.pair.layer.name
        whole = replace(self.network, name=name, layers=(*map(_layer, beginnings), *layers), inputs={}, dropped={})
        return OneLayer(whole, self.inputs, tuple(cut.top.blob for cut in self.pair.outputs))

    def _reach(self, top: Top, *, only_shape: bool = False) -> Iterator[LayerParameter]:
        """The beginnings that a top needs; the layers that make it of them go into `before`."""
        if top in self.blobs:
            return
        maker = self.network[top.layer]
        if maker.name in self.folded and maker.bottoms and not only_shape:
            for bottom in self.reads[maker.name]:
                yield from self._reach(bottom)
            self.before.append(self._rewired(maker))
        elif only_shape:
            yield self._dummy(top)
        else:
            yield self._input(top)

    def _input(self, top: Top) -> LayerParameter:
        blob = self._name(top)
        self.inputs[blob] = top
        parameters = LayerParameter(name=blob, type="Input", top=[blob])
        parameters.input_param.shape.add().dim.extend(self.shapes[top])
        return parameters

    def _dummy(self, top: Top) -> LayerParameter:
        blob = self._name(top)
        parameters = LayerParameter(name=blob, type="DummyData", top=[blob])
        parameters.dummy_data_param.shape.add().dim.extend(self.shapes[top])
        return parameters

    def _name(self, top: Top) -> str:
        taken = set(self.blobs.values())
        self.blobs[top] = top.blob if top.blob not in taken else f"{top.blob}_of_{top.layer}"
        return self.blobs[top]

    def _rewired(self, layer: Layer) -> Layer:
        """The layer, reading what is left of the net."""
        parameters = LayerParameter()
        parameters.CopyFrom(layer.parameters)
        del parameters.bottom[:]
        parameters.bottom.extend(self.blobs[bottom] for bottom in self.reads[layer.name])
        self.blobs |= {top: top.blob for top in layer.tops}
        return _layer(parameters)


def _layer(parameters: LayerParameter) -> Layer:
    return Layer(parameters.name, parameters.type, (), (), parameters)
