"""The quick check: the prototxt against the Keras model's configuration, shapes and weights. Nothing is run.

What the two sides say differently is found so, and in which layer. What they do not say, as what a Lambda computes, is not:
a case that passes here can still fail a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness import inputs as feeds
from harness.compare.verdict import assemble
from harness.data import (
    Case,
    Cause,
    Cut,
    KerasGraph,
    KerasShape,
    LayerComparison,
    Pair,
    ParityReport,
    Shape,
    Status,
    Top,
)
from harness.diagnose.explainer import Explainer
from harness.engines.candidate import open_candidate, weights_of
from harness.environment import describe_environment
from harness.layout import Held
from harness.mapping.orders import fits
from harness.pipeline import Options, choose_layers, describe_candidate, layers_behind, prepare
from harness.progress import Progress, silent


def check(case: Case, options: Options | None = None, progress: Progress = silent) -> ParityReport:
    """Hold what the two nets say of themselves against each other, layer by layer.

    Neither Caffe nor the input's file is needed. A row is `consistent` where nothing was found, which is less than `match`.

    Raises:
        HarnessError: nothing could be compared.
    """
    options = options or Options()
    ready = prepare(case, fetch=options.fetch, with_inputs=False)
    network = ready.network
    progress("keras", 0, 1, case.keras)
    unfinished = layers_behind(network, options.until)
    candidate, layer_map = open_candidate(case, network, ready.weights, ready.shapes, unfinished, lambda layer: False)
    chosen = choose_layers(network, layer_map, options)
    explainer = Explainer(network, ready.weights, ready.shapes, candidate, case.input)
    learned = weights_of(case) != "converted"  # else the harness itself has put them in
    sizes = _Sizes(candidate.graph, ready.shapes)
    rows = []
    for index, pair in enumerate(layer_map.pairs):
        progress("compare", index, len(layer_map.pairs), pair.layer.name)
        row = sizes.judge(pair, *explainer.stated(pair, learned=learned))
        if any(layer.name in chosen for layer in pair.caffe):
            rows.append(row)
    missing = {name: why for name, why in layer_map.missing.items() if name in chosen}
    table = assemble(
        network,
        replace(layer_map, missing=missing),
        rows,
        ready.shapes,
        traced=False,
        explain=explainer.missing(layer_map),
        source=candidate.source_of,
    )
    first = next(iter(network.inputs), None)
    return ParityReport(
        case=ready.title,
        command=options.command,
        target=options.target,
        reference={"engine": "none", "version": None},
        candidate=describe_candidate(case, candidate),
        weights={"kind": ready.weights.kind, "sha256": ready.weights.sha256},
        input={
            "name": feeds.describe(case),
            "sha256": None,
            "shape": list(ready.shapes[first]) if first is not None else [],
        },
        environment=describe_environment(case.folder),
        layers=table,
        outputs=(),
        folded=layer_map.folded,
        of=len(table),
        mode="static",
        notes=(*network.notes, *(f"Keras layer {name!r}: {why}" for name, why in layer_map.extra.items())),
    )


class _Sizes:
    """The shapes that the Keras model declares, against those that Caffe would compute."""

    def __init__(self, graph: KerasGraph, shapes: Mapping[Top, Shape]) -> None:
        made = [(node.outputs, node.output_shapes) for node in graph.nodes]
        self.declared: dict[int, KerasShape] = {
            tensor: shape
            for tensors, sizes in ((graph.inputs, graph.input_shapes), *made)
            for tensor, shape in zip(tensors, sizes, strict=False)
        }
        self.shapes = shapes
        self.culprits: dict[int, str] = {}  # tensor of a wrong shape → the Caffe layer where it went wrong

    def judge(self, pair: Pair, causes: tuple[Cause, ...], trouble: str | None) -> LayerComparison:
        """A pair's row, from the shapes of its tensors and what its definitions say differently, or why that is not known."""
        inherited = next((self.culprits[cut.tensor] for cut in pair.inputs if cut.tensor in self.culprits), None)
        wrong = [cut for cut in pair.outputs if not self._fits(cut)]
        self.culprits |= {cut.tensor: inherited or pair.layer.name for cut in wrong}
        status = Status.DIVERGES if causes else Status.CONSISTENT
        note = None if causes else trouble or "nothing was found in its definition; it was not run"
        if wrong and inherited is None:
            status, note = Status.SHAPE, f"the Keras model declares {self._declared(wrong[0])} for it"
        elif wrong and not causes:
            status, note = Status.INHERITED, "its size is another because that of what it reads is"
        cut = wrong[0] if wrong else pair.outputs[0]
        return LayerComparison(
            layer=pair.layer.name,
            type=pair.layer.type,
            top=cut.top.blob,
            keras=pair.keras,
            caffe=tuple(layer.name for layer in pair.caffe),
            status=status,
            judged_by="static",
            reference_shape=self.shapes[cut.top],
            candidate_shape=self._as_caffe_has_it(cut),
            inherited_from=inherited if status is Status.INHERITED else None,
            causes=causes,
            note=note,
            reason=pair.reason,
        )

    def _fits(self, cut: Cut) -> bool:
        if cut.view is not None or cut.tensor not in self.declared:
            return True  # the numbers of a view are those of the top in other axes: found by the mapping from the shape
        return fits(self.declared[cut.tensor], Held(self.shapes[cut.top], cut.order))

    def _declared(self, cut: Cut) -> str:
        return "×".join("?" if size is None else str(size) for size in self.declared[cut.tensor])

    def _as_caffe_has_it(self, cut: Cut) -> Shape | None:
        """The declared shape in Caffe's order, sizes that the model leaves open as Caffe's are; None for other axes."""
        ours, keras = self.shapes[cut.top], self.declared.get(cut.tensor, ())
        if cut.view is not None or len(keras) != len(cut.order):
            return None
        theirs = dict(zip(cut.order, keras, strict=True))
        return tuple(size if (size := theirs[axis]) is not None else ours[axis] for axis in range(len(ours)))
