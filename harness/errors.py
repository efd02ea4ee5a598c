"""Every error a user can meet, as one tree.

    HarnessError                 anything that stops a comparison (exit status 2)
    ├── UsageError               the command, the case or an option cannot be meant
    ├── FormatError              a file does not hold what it should
    │   ├── PrototxtError          … a prototxt, with line and column
    │   ├── CaffemodelError        … a caffemodel
    │   ├── CaseError              … a case.toml
    │   └── RecordingError         … a recording: incomplete, damaged or stale
    ├── UnsupportedError         a Caffe layer type or parameter that cannot be honoured
    ├── WeightsError             weights that do not fit the layers they are for
    ├── MappingError             Caffe's and Keras' layers cannot be brought together
    └── EngineError              an engine failed
        ├── EngineMissingError     … is not installed or does not answer
        ├── ReferenceEngineError  … while it computed the reference (Caffe)
        └── CandidateError         … while it built or ran the candidate (Keras)

Each carries the address (`file:line:column`, layer) and the way out. A difference between the two nets is a result,
never an exception.
"""

from __future__ import annotations

from pathlib import Path


class HarnessError(Exception):
    """What went wrong, where, and what to do about it; `str()` gives all three on one or two lines."""

    def __init__(
        self,
        message: str,
        *,
        file: Path | str | None = None,
        line: int | None = None,
        column: int | None = None,
        layer: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = str(file) if file is not None else None
        self.line = line
        self.column = column
        self.layer = layer
        self.fix = fix

    @property
    def address(self) -> str:
        """`file:line:column, layer 'name'`, as far as it is known."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        layer = f"layer {self.layer!r}" if self.layer is not None else ""
        return ", ".join(part for part in (place, layer) if part)

    def __str__(self) -> str:
        text = f"{self.address}: {self.message}" if self.address else self.message
        return f"{text}\n  → {self.fix}" if self.fix else text


class UsageError(HarnessError):
    """The command, the case or an option cannot be meant."""


class FormatError(HarnessError):
    """A file does not hold what it should."""


class PrototxtError(FormatError):
    """A prototxt that Caffe would refuse as well."""


class CaffemodelError(FormatError):
    """A caffemodel that is truncated or is none."""


class CaseError(FormatError):
    """A case.toml with an unknown key, a missing file or a contradiction."""


class RecordingError(FormatError):
    """A recording that is incomplete, damaged or stale."""


class UnsupportedError(HarnessError):
    """A Caffe layer type or parameter that cannot be honoured."""


class WeightsError(HarnessError):
    """Weights that do not fit the layers they are for."""


class MappingError(HarnessError):
    """Caffe's and Keras' layers cannot be brought together."""


class EngineError(HarnessError):
    """An engine failed."""


class EngineMissingError(EngineError):
    """An engine is not installed or does not answer."""


class ReferenceEngineError(EngineError):
    """Caffe (or what stands for it) failed while it computed the reference."""


class CandidateError(EngineError):
    """Keras failed while it built or ran the candidate."""
