"""The straight line: case → recording → candidate → comparison → report. Nothing is computed or formatted here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from harness import inputs as feeds
from harness.cache import file_sha256
from harness.caffe import load_weights, read_network
from harness.compare import stream
from harness.compare.folders import compare_recordings
from harness.compare.judge_input import judge_input
from harness.compare.outputs import compare_output
from harness.compare.verdict import assemble, has_accumulated, name_sources
from harness.compare.witness import hear, summary
from harness.convert.weights import check_weights
from harness.data import (
    Case,
    LayerComparison,
    LayerMap,
    Network,
    OutputComparison,
    ParityReport,
    Picture,
    Recording,
    Shape,
    Tolerance,
    Top,
    Weights,
    Witness,
)
from harness.diagnose.explainer import Explainer
from harness.diagnose.preprocessing import explain_input
from harness.engines.candidate import open_candidate, run_preprocess, weights_of
from harness.engines.keras import Candidate
from harness.engines.reference import Reference, make_recording
from harness.environment import describe_environment
from harness.errors import MappingError, ReferenceEngineError, UsageError
from harness.layers.base import Float32
from harness.layers.folding import canonical_tops, folds
from harness.layers.shapes import infer_shapes
from harness.pictures import input_picture, label_pictures
from harness.progress import Progress, silent
from harness.recording import RecordingWriter, load_top, read_recording
from harness.sources import case_weights, fetch_golden


@dataclass(frozen=True)
class Options:
    """What a run may be told beside its case."""

    reference: Reference = field(default_factory=Reference)
    layers: tuple[str, ...] = ()  # globs over Caffe's layer names; all if empty
    mode: str = "both"
    strict: bool = False
    until: str | None = None  # the last Caffe layer that an unfinished port has
    fetch: bool = False
    command: str = ""
    target: str = ""  # what to give `harness compare` to repeat it
    witness: str | None = None  # an engine that is asked as a third voice


@dataclass(frozen=True)
class Prepared:
    """A case, read: everything that both sides need."""

    case: Case
    network: Network
    shapes: Mapping[Top, Shape]
    weights: Weights
    inputs: Mapping[str, Float32]

    @property
    def title(self) -> str:
        """`NAME`, or `NAME@HxW` where the size is not the case's own."""
        return title(self.case)


def prepare(case: Case, *, fetch: bool = False, with_inputs: bool = True) -> Prepared:
    """Read the net, the weights and, unless nothing is to be run, the input of a case; hold them against each other."""
    if fetch:
        fetch_golden(case)
    declared = read_network(case.prototxt, size=case.input.size)
    sizes = feeds.input_shapes(case, declared.inputs)
    network = read_network(case.prototxt, input_shapes=sizes)
    shapes = infer_shapes(network)
    weights = case_weights(case, network, fetch=fetch)
    check_weights(network, weights)
    return Prepared(case, network, shapes, weights, feeds.make_inputs(case, network) if with_inputs else {})


def run(case: Case, options: Options | None = None, progress: Progress = silent) -> ParityReport:
    """Compute the reference anew and compare the candidate with it, layer by layer.

    Raises:
        HarnessError: nothing could be compared; what differs is in the report, never an exception.
    """
    options = options or Options()
    ready = prepare(case, fetch=options.fetch)
    recording = make_recording(ready, replace(options.reference, fresh=True), progress)
    return judge_all(ready, recording, options, progress)


def compare(case: Case, options: Options | None = None, progress: Progress = silent) -> ParityReport:
    """Compare the candidate with the recording that is kept, or with a new one if there is none. Raises as `run`."""
    options = options or Options()
    ready = prepare(case, fetch=options.fetch)
    recording = make_recording(ready, options.reference, progress)
    return judge_all(ready, recording, options, progress)


def compared_layers(case: Case) -> LayerMap:
    """The map of a case: what would be compared with what, without running either net."""
    ready = prepare(case)
    return open_candidate(ready.case, ready.network, ready.weights, ready.shapes)[1]


def judge_all(ready: Prepared, recording: Recording, options: Options, progress: Progress) -> ParityReport:
    """The second half of the line, from the recording to the report."""
    progress("keras", 0, 1, ready.case.keras)
    behind = layers_behind(ready.network, options.until)
    candidate, layer_map = open_candidate(
        ready.case, ready.network, ready.weights, ready.shapes, behind, lambda layer: _is_run(layer, options)
    )
    return judge_candidate(ready, recording, candidate, layer_map, options, progress)


def judge_candidate(
    ready: Prepared,
    recording: Recording,
    candidate: Candidate,
    layer_map: LayerMap,
    options: Options,
    progress: Progress = silent,
) -> ParityReport:
    """The rest of the line, for a candidate that is open already."""
    case, network = ready.case, ready.network
    chosen = choose_layers(network, layer_map, options)
    own = own_inputs(ready)
    outputs = _output_tops(network, layer_map)
    seen: list[OutputComparison] = []
    pictures: list[Picture] = []
    third, unheard = _ask_witness(ready, options, progress)
    heard: dict[Top, Witness] = {}
    first = next(iter(network.inputs), None)
    shown = input_picture(ready.inputs[first.blob], case.input) if first is not None else None

    def keep(top: Top, reference: Float32, computed: np.ndarray | None) -> None:
        said = hear(third, top, reference, computed, len(heard) + 1) if third is not None else None
        if said is not None:
            heard[top] = said
        if top in outputs and options.mode != "isolated":
            seen.append(compare_output(top, reference, computed))
            if not pictures:
                pictures.extend(label_pictures(reference, computed, case.palette))

    rows: list[LayerComparison] = []
    stream_options = stream.Options(
        isolated=options.mode != "end-to-end",
        end_to_end=options.mode != "isolated",
        strict=options.strict,
        wanted=lambda pair: any(layer.name in chosen for layer in pair.caffe),
        tolerance=case.tolerance,
    )
    total = len(layer_map.pairs)
    explainer = Explainer(network, ready.weights, ready.shapes, candidate, case.input)
    started = stream.compare_layers(
        layer_map,
        ready.weights,
        recording,
        candidate,
        own,
        stream_options,
        explainer,
        keep,
        on_pair=lambda index, pair: progress("compare", index, total, pair.layer.name),
    )
    pairs = {pair.layer.name: pair for pair in layer_map.pairs}
    for row in started:
        rows.append(replace(explainer.noted(pairs[row.layer], row), witness=_said_of(row, heard)))
    progress("compare", total, total, "")
    missing = {name: why for name, why in layer_map.missing.items() if name in chosen}
    if case.input.preprocess:
        rows = [*_input_rows(ready, own, case.input.preprocess), *rows]
    table = assemble(
        network,
        replace(layer_map, missing=missing),
        rows,
        ready.shapes,
        traced=options.mode != "isolated",
        explain=explainer.missing(layer_map, lambda top: load_top(recording, top.layer, top.blob)),
        source=candidate.source_of,
    )
    report = ParityReport(
        case=ready.title,
        command=options.command,
        target=options.target,
        reference=_reference(recording),
        candidate=describe_candidate(case, candidate),
        weights={"kind": ready.weights.kind, "sha256": ready.weights.sha256},
        input={
            "name": feeds.describe(case),
            "sha256": recording.digests.get(f"values:{first.blob}") if first is not None else None,
            "shape": list(ready.inputs[first.blob].shape) if first is not None else [],
        },
        environment=describe_environment(case.folder),
        layers=table,
        outputs=tuple(replace(one, accumulated=_accumulated(one, table)) for one in seen),
        folded=layer_map.folded,
        of=len(table),
        mode=options.mode,
        pictures=(*([shown] if shown else []), *pictures) if pictures else (),
        notes=(
            *network.notes,
            *_stand_ins(recording),
            *_misfit(candidate),
            *(note for note in (unheard, summary(table)) if note is not None),
            *(f"Keras layer {name!r}: {why}" for name, why in layer_map.extra.items()),
        ),
    )
    if candidate.misfit is not None and report.passed and not (options.layers or options.until):
        raise candidate.misfit  # no layer is to blame, and still the model as it is cannot be built
    return report


def _misfit(candidate: Candidate) -> tuple[str, ...]:
    """A sentence if the model was built with other sizes than its own."""
    error = candidate.misfit
    if error is None:
        return ()
    address = error.address.replace(error.file, Path(error.file).name) if error.file else error.address
    return (
        f"the Keras model does not fit together ({address}: {error.message}); it was built with its height and width left "
        "open, so that every layer could be judged",
    )


def _input_rows(ready: Prepared, own: Mapping[Top, Float32], by: str) -> Iterator[LayerComparison]:
    """What the port's preprocessing feeds against what Caffe was fed, with causes."""
    for top in ready.network.inputs:
        fed = ready.inputs[top.blob]
        row = judge_input(ready.network[top.layer], top, fed, own[top], by)
        yield replace(row, causes=explain_input(fed, own[top], ready.case.input, by)) if row.status.fails else row


def describe_candidate(case: Case, candidate: Candidate) -> dict[str, Any]:
    """The Keras side, for the report."""
    source = Path(candidate.source)
    return {
        "engine": "keras",
        "version": candidate.version,
        "source": source.name,
        "sha256": file_sha256(source) if source.is_file() else None,
        "weights": weights_of(case),
        "device": "cpu",
        "dtype": "float32",
    }


def _ask_witness(ready: Prepared, options: Options, progress: Progress) -> tuple[Recording | None, str | None]:
    """The third voice's recording, or a sentence on why it has none. Raises EngineMissingError if it is not installed."""
    if options.witness is None:
        return None, None
    try:
        return make_recording(ready, Reference(engine=options.witness), progress), None
    except ReferenceEngineError as error:
        return None, f"{options.witness} was asked as a third voice and cannot answer: {error.message}"


def _said_of(row: LayerComparison, heard: Mapping[Top, Witness]) -> Witness | None:
    """The witness on a row's top, which the last of the layers in it has written."""
    return next((heard[top] for name in row.caffe if (top := Top(name, row.top)) in heard), None)


def _stand_ins(recording: Recording) -> tuple[str, ...]:
    """A sentence if Python layers of ours computed for Caffe what it has no layers for."""
    layers = dict.fromkeys(f"{top.layer} ({top.type})" for top in recording.tops if top.python)
    if not layers:
        return ()
    what = "this layer is" if len(layers) == 1 else "these layers are"
    return (f"Caffe has no such type, so {what} computed by a Python layer of the harness: {', '.join(layers)}",)


def own_inputs(ready: Prepared) -> dict[Top, Float32]:
    """What the port is fed, N, C, H, W: the reference's input, or what the port's own preprocessing makes of the picture."""
    fed = {top: ready.inputs[top.blob] for top in ready.network.inputs}
    if ready.case.input.preprocess and ready.case.input.image is not None:
        (top,) = list(fed)[:1]
        fed[top] = run_preprocess(
            ready.case.input.preprocess, ready.case.folder, ready.case.input.image, fed[top].shape
        )
    return fed


def layers_behind(network: Network, until: str | None) -> frozenset[str]:
    """The layers after `until`, which an unfinished port need not have. Raises UsageError for no such layer."""
    names = [layer.name for layer in network.layers]
    if until is None:
        return frozenset()
    if until not in names:
        raise UsageError(f"--until {until}: no such layer", file=network.path, fix=f"layers are {', '.join(names)}")
    return frozenset(names[names.index(until) + 1 :])


def choose_layers(network: Network, layer_map: LayerMap, options: Options) -> set[str]:
    """The Caffe layers that were asked for. Raises UsageError for a glob that finds none, MappingError for no pair."""
    names = [layer.name for layer in network.layers if not folds(network, layer)]
    if not layer_map.pairs:
        raise MappingError(
            "no layer of the Keras model could be brought together with one of Caffe's",
            file=network.path,
            fix='give the layers Caffe\'s names, or write [names] "caffe layer" = "keras layer" into the case',
        )
    names = [name for name in names if name not in layers_behind(network, options.until)]
    if not options.layers:
        return set(names)
    chosen: set[str] = set()
    for glob in options.layers:
        found = {name for name in names if fnmatchcase(name, glob)}
        if not found:
            raise UsageError(f"no layer is named {glob!r}", file=network.path, fix=f"layers are {', '.join(names)}")
        chosen |= found
    return chosen


def _is_run(layer: str, options: Options) -> bool:
    """False for a layer that was not asked for and that no other is computed from."""
    asked = not options.layers or any(fnmatchcase(layer, glob) for glob in options.layers)
    return asked or options.mode != "isolated"


def _output_tops(network: Network, layer_map: LayerMap) -> set[Top]:
    """The tops that nobody reads, each as the layer computed it that has arithmetic."""
    canonical = canonical_tops(network)
    read = {bottom for layer in network.layers for bottom in layer.bottoms}
    ends = set()
    for layer in network.layers:
        for top in layer.tops:
            if top not in read:
                while top.layer in layer_map.folded and network[top.layer].bottoms:  # it only moves numbers
                    top = network[top.layer].bottoms[0]
                ends.add(canonical[top])
    return ends


def _accumulated(output: OutputComparison, rows: tuple[LayerComparison, ...]) -> bool:
    return any(has_accumulated(rows, row) for row in rows if row.top == output.top)


def _reference(recording: Recording) -> dict[str, Any]:
    return {
        "engine": recording.engine,
        "version": recording.version,
        "image": recording.image,
        "threads": recording.threads,
        "recorded_by": recording.recorded_by,
        "cached_seconds": recording.age,
    }


def title(case: Case) -> str:
    """`NAME`, or `NAME@HxW` where another size than the case's own was asked for."""
    return case.name if case.asked_size is None else f"{case.name}@{'x'.join(map(str, case.asked_size))}"


def default_out(case: Case) -> Path:
    """`reports/CASE/`, below the current folder."""
    return Path("reports") / title(case).replace("/", "_")


def dump(case: Case, how: Reference, out: Path, *, fetch: bool = False, progress: Progress = silent) -> Recording:
    """Record one side of a case in a folder of the user's: an engine of Caffe's, or `keras`, end to end.

    Raises:
        UsageError: the folder is there already.
        HarnessError: as `run`.
    """
    if out.exists() and any(out.iterdir()):
        raise UsageError("is there already", file=out, fix="give a new folder; a recording is never written over")
    ready = prepare(case, fetch=fetch)
    if how.engine != "keras":
        from harness.engines.golden import write_golden

        return write_golden(make_recording(ready, how, progress), out)
    candidate, layer_map = open_candidate(case, ready.network, ready.weights, ready.shapes)
    if candidate.misfit is not None:
        raise candidate.misfit
    fed = {top: ready.inputs[top.blob] for top in ready.network.inputs}
    with RecordingWriter(out, engine="keras", version=candidate.version) as writer:
        for index, (pair, top, array) in enumerate(stream.run_candidate(layer_map, candidate, fed, ready.shapes)):
            progress("keras", index, len(layer_map.pairs), pair.layer.name)
            writer.add(top.layer, pair.caffe[-1].type, top.blob, array)
    return writer.recording


def compare_folders(
    reference: Path,
    candidate: Path,
    *,
    prototxt: Path | None = None,
    caffemodel: Path | None = None,
    tolerance: Tolerance | None = None,
    command: str = "",
) -> ParityReport:
    """Compare two folders of activations; no net is run.

    Raises:
        UsageError: neither prototxt and caffemodel, which give rounding units, nor a tolerance.
        RecordingError: a folder holds no recording, or the two have nothing in common.
    """
    if tolerance is None and (prototxt is None or caffemodel is None):
        raise UsageError(
            "two bare folders have no weights, and so no rounding units",
            fix="give --prototxt and --caffemodel, or --rtol and --atol",
        )
    ours, theirs = read_recording(reference, foreign=True), read_recording(candidate, foreign=True)
    network = read_network(prototxt) if prototxt is not None else None
    weights = load_weights(caffemodel, network=network) if caffemodel is not None else None
    rows = compare_recordings(ours, theirs, network=network, weights=weights, tolerance=tolerance)
    kind = {"kind": weights.kind, "sha256": weights.sha256} if weights else {"kind": "none", "sha256": None}
    return ParityReport(
        case=f"{reference.name} and {candidate.name}",
        command=command,
        reference=_reference(replace(ours, recorded_by=ours.engine, engine="recording")),
        candidate={"engine": theirs.engine, "version": theirs.version, "source": str(candidate)},
        weights=kind,
        input={"name": "", "sha256": None, "shape": None},
        environment=describe_environment(reference),
        layers=name_sources(rows),
        outputs=(),
        folded=tuple(dict.fromkeys(top.layer for top in ours.tops if top.layer not in {row.layer for row in rows})),
        of=len(rows),
        mode="end-to-end",
    )
