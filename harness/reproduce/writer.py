"""What goes into the folder, file by file."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.caffe import write_caffemodel
from harness.caffe.deploy import net_text, stand_in
from harness.compare.judge import Evidence, rounding_unit
from harness.data import Cut, LayerMap, Pair, ParityReport, Recording, Shape, Status, Top
from harness.engines.keras import Candidate
from harness.engines.keras.extract import save_segment
from harness.errors import CandidateError
from harness.layers.base import Float32, keras_name
from harness.layers.shapes import blob_shapes
from harness.layout import channels_last, from_candidate
from harness.pipeline import Prepared
from harness.recording import load_top
from harness.reproduce.expected import Expected, expect
from harness.reproduce.held import Steps, made_steps, read_steps
from harness.reproduce.layer_test import Check, write_test
from harness.reproduce.one_layer import cut_out
from harness.reproduce.readme import write_case, write_readme

TEST, PROTOTXT, CAFFEMODEL, KERAS = "test_layer.py", "layer.prototxt", "layer.caffemodel", "segment.keras"
CASE = "case.toml"


@dataclass(frozen=True)
class Reproducer:
    """What was written."""

    folder: Path
    report: ParityReport  # of the layer alone
    files: Mapping[str, str]  # what each holds
    commands: Mapping[str, str]  # what to try → what it does
    notes: tuple[str, ...]  # what is missing, and why


class Writer:
    """Writes one pair of layers into a folder of its own."""

    def __init__(
        self,
        ready: Prepared,
        recording: Recording,
        candidate: Candidate,
        layer_map: LayerMap,
        pair: Pair,
        report: ParityReport,
        folder: Path,
        out: Path,
    ) -> None:
        """Takes a new folder to write into, and the one that it will be."""
        self.ready, self.recording, self.candidate, self.pair = ready, recording, candidate, pair
        self.report, self.folder, self.out = report, folder, out
        self.cut = cut_out(ready.network, pair, layer_map.folded, ready.shapes)
        self.segment = candidate.segment(pair)
        self.bottoms = dict(zip(self.cut.inputs, _numbered("bottom", len(self.cut.inputs)), strict=True))
        self.tops = _numbered("top", len(pair.outputs))
        self.files: dict[str, str] = {}
        self.notes: list[str] = []

    def write(self) -> Reproducer:
        """Write everything.

        Raises:
            WeightsError, CaffemodelError: the layer's weights cannot be written.
        """
        self.folder.mkdir()
        feeds = [self._steps(cut).apply(self._blob(cut.top)) for cut in self.pair.inputs]
        outcome = self._run(feeds)
        refusal, made = (outcome, None) if isinstance(outcome, str) else (None, outcome)
        saved = None if made is None else self._write_segment(feeds, made)
        caffe_files = self._write_net()
        for blob, file in self.bottoms.items():
            self._save(file, self._blob(self.cut.inputs[blob]), f"what Caffe's layer read ({blob}), N, C, H, W")
        expected = [self._write_top(position, made) for position in range(len(self.tops))]
        file_of = {top: self.bottoms[blob] for blob, top in self.cut.inputs.items()}
        check = Check(
            bottoms=[(file_of[cut.top], self._steps(cut)) for cut in self.pair.inputs],
            tops={file: self._made_steps(position, made) for position, file in enumerate(self.tops)},
            limits={file: one.limits for file, one in zip(self.tops, expected, strict=True)},
            reason=expected[0].reason,
            saved=saved is not None,
            refusal=refusal,
            own_layers=bool(saved),
            caffe_files=caffe_files if self._is_plain() else (),
            caffe_bottoms=self.bottoms,
            caffe_tops=dict(zip(self.cut.outputs, self.tops, strict=True)),
        )
        self._text(TEST, write_test(check), "a pytest that holds Keras against Caffe")
        if saved is not None:
            self._write_case(learns=CAFFEMODEL in caffe_files)
        self._text("README.md", write_readme(self.report, self.files, self._commands(Path()), self.notes))
        return Reproducer(self.out, self.report, self.files, self._commands(self.out), tuple(self.notes))

    def _commands(self, folder: Path) -> dict[str, str]:
        """What to try in the folder, and what it does."""
        commands = {f"pytest {folder / TEST}": "says whether Keras computes what Caffe computed"}
        if CASE in self.files:
            commands[f"harness run {folder}"] = "has Caffe compute it again, and says why Keras does not"
        return commands

    # -------------------------------------------------------------------------------------------------- Caffe's side

    def _write_net(self) -> tuple[str, ...]:
        """The prototxt and, where the layers learn, the caffemodel."""
        self._text(PROTOTXT, net_text(self.cut.network), "Caffe's layer between inputs of these shapes")
        if self.ready.case.python_layers is not None:
            shutil.copytree(
                self.ready.case.python_layers,
                self.folder / "python_layers",
                ignore=shutil.ignore_patterns("__pycache__"),
            )
            self.files["python_layers/"] = "the Caffe Python layers of the case"
        shapes = blob_shapes(self.ready.network, self.ready.shapes)
        layers = [layer for layer in self.pair.caffe if layer.name in shapes]
        if not self._is_plain():
            self.notes.append("a plain Caffe lacks this layer type; the harness brings a Python layer for it")
        if not layers:
            return (PROTOTXT,)
        blobs = {
            # Old caffemodels write every blob with four axes; Caffe holds a new one to the very shape.
            layer.name: [
                blob.reshape(shape)
                for blob, shape in zip(self.ready.weights.of(layer.name), shapes[layer.name], strict=True)
            ]
            for layer in layers
        }
        name = self.cut.network.name
        write_caffemodel(self.folder / CAFFEMODEL, name, blobs, {layer.name: layer.type for layer in layers})
        self.files[CAFFEMODEL] = f"its weights, {self.ready.weights.kind}"
        return PROTOTXT, CAFFEMODEL

    def _is_plain(self) -> bool:
        return all(stand_in(layer, self.ready.shapes) is None for layer in self.pair.caffe)

    def _blob(self, top: Top) -> Float32:
        """Caffe's numbers, N, C, H, W."""
        return load_top(self.recording, top.layer, top.blob)

    # -------------------------------------------------------------------------------------------------- Keras' side

    def _steps(self, cut: Cut) -> Steps:
        return read_steps(self._blob(cut.top).shape, self.candidate.tensor_rank(cut.tensor), cut.layout)

    def _made_steps(self, position: int, made: Sequence[np.ndarray] | None) -> Steps:
        cut = self.pair.outputs[position]
        shape, rank = self._blob(cut.top).shape, self.candidate.tensor_rank(cut.tensor)
        return (
            read_steps(shape, rank, cut.layout)
            if made is None
            else made_steps(shape, made[position].shape, rank, cut.layout)
        )

    def _run(self, feeds: Sequence[np.ndarray]) -> list[np.ndarray] | str:
        """What the Keras layers compute of Caffe's bottoms, or why they cannot."""
        try:
            return [np.asarray(tensor) for tensor in self.segment.run(feeds)]
        except CandidateError as error:
            self.notes.append(f"Keras cannot compute it from Caffe's bottoms: {error.message}")
            return self.notes[-1]

    def _write_segment(self, feeds: Sequence[np.ndarray], made: Sequence[np.ndarray]) -> bool | None:
        """Save the Keras layers; True if some are the harness', None if it cannot be done."""
        names = [f"{keras_name(cut.top.blob)}_given" for cut in self.pair.inputs]
        try:
            own = save_segment(self.segment, feeds, names, self.folder / KERAS)
        except CandidateError as error:
            places = dict.fromkeys(filter(None, map(self.candidate.source_of, self.pair.keras)))
            where = f"; see {', '.join(places)}" if places else ""
            self.notes.append(
                f"the Keras layers ({', '.join(self.pair.keras)}) cannot be saved by themselves: {error.message}{where}"
            )
            for file, one in zip(self.tops, made, strict=True):
                self._save(f"candidate_{file}", one, "what they computed of Caffe's bottoms, in Keras' layout")
            return None
        self.files[KERAS] = "the Keras layers with their weights, as a model that reads Caffe's bottoms"
        return own

    # ---------------------------------------------------------------------------------------------- both, side by side

    def _write_top(self, position: int, made: Sequence[np.ndarray] | None) -> Expected:
        cut, file = self.pair.outputs[position], self.tops[position]
        reference = self._blob(cut.top)
        bottoms = (*self.pair.bottoms, *(one.top for one in self.pair.inputs))
        evidence = Evidence(
            pair=self.pair,
            blobs=self.ready.weights.blobs,
            bottoms={top: channels_last(self._blob(top)) for top in bottoms},
            reference=channels_last(reference),
            run_float64=_not_asked,
            position=position,
        )
        last = None if made is None else from_candidate(made[position], evidence.reference.shape, cut.layout)
        (row,) = self.report.layers
        expected = expect(
            reference,
            last if last is not None and last.shape == evidence.reference.shape else None,
            rounding_unit(evidence),
            self.ready.case.tolerance.get(self.pair.layer.name),
            right=row.status is Status.MATCH,
        )
        self._save(file, reference, f"what Caffe's layer computed ({cut.top.blob}), N, C, H, W")
        self._save(file.replace("top", "unit"), expected.unit, "one rounding unit of each of its elements")
        return expected

    def _write_case(self, *, learns: bool) -> None:
        main = self.candidate.layer(self.pair.main)
        name, theirs = self.pair.layer.name, str(main.name)
        text = write_case(
            self.ready.case,
            f"{self.ready.title}-{name}",
            self.bottoms,
            {} if theirs == keras_name(name) or not getattr(main, "weights", ()) else {name: theirs},
            [layer.name for layer in self.pair.caffe],
            weights=self.ready.weights.kind if learns else None,
        )
        self._text(CASE, text, "the folder as a case of the harness")

    def _save(self, file: str, array: np.ndarray, what: str) -> None:
        np.save(self.folder / file, np.ascontiguousarray(array, np.float32).reshape(array.shape), allow_pickle=False)
        self.files[file] = what

    def _text(self, file: str, text: str, what: str = "") -> None:
        (self.folder / file).write_text(text, encoding="utf-8")
        if what:
            self.files[file] = what


def _numbered(name: str, count: int) -> list[str]:
    """`top.npy`, or `top0.npy`, `top1.npy` where there are several."""
    return [f"{name}.npy"] if count == 1 else [f"{name}{index}.npy" for index in range(count)]


def _not_asked(bottoms: Mapping[Top, np.ndarray], reference_last: Shape) -> np.ndarray:
    raise NotImplementedError("a rounding unit is the reference's alone")
