"""A layer as the file has it, and where: what becomes a `data.Layer` once its bottoms are traced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.caffe.caffe_pb2 import LayerParameter
from harness.errors import PrototxtError, UnsupportedError


@dataclass(frozen=True)
class Entry:
    """A layer of a prototxt, in the current format."""

    path: Path
    parameters: LayerParameter
    line: int | None

    @property
    def name(self) -> str:
        """The layer's name."""
        return str(self.parameters.name)

    def error(self, message: str, fix: str | None = None) -> PrototxtError:
        """Something that Caffe would refuse too, at this layer's address."""
        return PrototxtError(message, file=self.path, line=self.line, layer=self.name, fix=fix)

    def unsupported(self, message: str, fix: str | None = None) -> UnsupportedError:
        """Something that cannot be honoured, at this layer's address."""
        return UnsupportedError(message, file=self.path, line=self.line, layer=self.name, fix=fix)
