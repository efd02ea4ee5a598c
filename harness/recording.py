"""manifest.json + .npy ↔ Recording.

A recording is a folder. Its manifest (`harness-recording/1`) lists layer, type, top, shape, file and digest in the
order of execution; layers whose tops are equal may share a file. A recording is untrusted input: arrays load with
pickle off, headers are checked before anything is mapped, and no name leads out of the folder.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from harness import cache
from harness.data import RecordedTop, Recording, Shape
from harness.errors import EngineError, HarnessError, RecordingError

SCHEMA = "harness-recording/1"
MANIFEST = "manifest.json"
PARTIAL = "manifest.json.partial"  # the dump script's mark of a folder that is not whole
_AGAIN = "record it again: harness dump"
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_DEVICES = frozenset(["CON", "PRN", "AUX", "NUL", *(n + d for n in ("COM", "LPT") for d in "0123456789")])
_LONGEST = 150

# ------------------------------------------------------------------------------------------------- file names
# docker/dump.py, which runs without this package, has the same rules; a test holds them together.


def escape_name(name: str) -> str:
    """Any name as a file name, percent-encoded; a long one is cut and ends in a digest of the whole.

    `escape_name("a/b")` is `a%2Fb`. Names that differ by case only stay so: number them on file systems that ignore it.
    """
    return _shorten(_escape(name), name)


def file_name(number: int, position: int, layer: str, top: str) -> str:
    """The file of one top, `0007-conv2_1.npy`: unique by its number, on file systems that ignore case as well."""
    stem = _escape(layer) if layer == top else f"{_escape(layer)}-{_escape(top)}"
    prefix = f"{number:04d}" if position == 0 else f"{number:04d}.{position}"
    return f"{prefix}-{_shorten(stem, f'{layer}{chr(10)}{top}')}.npy"


def _escape(name: str) -> str:
    data = name.encode("utf-8")
    text = "".join(
        chr(byte) if chr(byte) in _SAFE or (byte == 0x2E and 0 < place < len(data) - 1) else f"%{byte:02X}"
        for place, byte in enumerate(data)
    )
    if text.split(".")[0].upper() in _DEVICES:  # Windows opens a device for `con.npy`
        text = f"%{ord(text[0]):02X}{text[1:]}"
    return text or "%"


def _shorten(text: str, name: str) -> str:
    if len(text) <= _LONGEST:
        return text
    head = text[: _LONGEST - 17]
    if "%" in head[-2:]:
        head = head[: head.rindex("%")]
    return f"{head}-{hashlib.sha256(name.encode('utf-8')).hexdigest()[:16]}"


# ---------------------------------------------------------------------------------------------------- reading


def read_recording(folder: Path, *, foreign: bool = False) -> Recording:
    """Reads a recording's manifest and checks that its files are there; the arrays stay on disk.

    With `foreign`, a folder without a manifest is taken too: one `.npy` per layer, named after it. Its layers then
    stand in the order of the file names and have no type and no digest.

    Raises:
        RecordingError: incomplete, not a recording, or a file that is missing or lies elsewhere.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise RecordingError("there is no such folder", file=folder, fix=_AGAIN)
    if not path.is_file():
        if (folder / PARTIAL).exists():
            raise RecordingError("the recording is incomplete: it was stopped half-way", file=folder, fix=_AGAIN)
        if foreign:
            return _read_foreign(folder)
        raise RecordingError(f"no recording: it has no {MANIFEST}", file=folder, fix=_AGAIN)
    try:
        manifest = json.loads(path.read_text("utf-8"))
        return _from_manifest(folder, manifest)
    except RecordingError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RecordingError(f"the manifest is damaged ({_reason(error)})", file=path, fix=_AGAIN) from error


def _from_manifest(folder: Path, manifest: Mapping[str, Any]) -> Recording:
    path = folder / MANIFEST
    schema = manifest.get("schema")
    if schema != SCHEMA:
        raise RecordingError(
            f"the manifest's schema is {schema!r}; this version reads {SCHEMA!r}", file=path, fix=_AGAIN
        )
    engine = manifest["engine"]
    tops = []
    seen: set[tuple[str, str]] = set()
    for line in manifest["tops"]:
        top = RecordedTop(
            layer=_text(line["layer"]),
            type=_text(line["type"]),
            top=_text(line["top"]),
            shape=_shape(line["shape"]),
            file=_text(line["file"]),
            sha256=_text(line["sha256"]),
            python=line.get("python") is True,
        )
        if (top.layer, top.top) in seen:
            raise RecordingError(f"the manifest lists top {top.top!r} twice", file=path, layer=top.layer, fix=_AGAIN)
        seen.add((top.layer, top.top))
        _inside(folder, top)
        tops.append(top)
    if not tops:
        raise RecordingError("the recording is empty: the manifest lists no layer", file=path, fix=_AGAIN)
    threads, seconds, image = engine.get("threads"), manifest.get("seconds"), engine.get("image")
    return Recording(
        folder=folder,
        engine=_text(engine["name"]),
        version=_text(engine["version"]),
        tops=tuple(tops),
        image=None if image is None else _text(image),
        threads=None if threads is None else int(threads),
        digests={_text(key): _text(value) for key, value in manifest.get("digests", {}).items()},
        seconds=None if seconds is None else float(seconds),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text expected, got {value!r:.40}")
    return value


def _shape(value: object) -> Shape:
    if not isinstance(value, list) or not all(type(edge) is int and edge >= 0 for edge in value):
        raise TypeError(f"shape expected, got {value!r:.40}")
    return tuple(value)


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error) or type(error).__name__


def _inside(folder: Path, top: RecordedTop) -> Path:
    """The top's file, which must lie in the folder itself, symbolic links resolved.

    Raises:
        RecordingError: it does not, or there is none.
    """
    name = top.file
    plain = name not in ("", ".", "..") and not any(c in name for c in "/\\:\0") and len(name) < 256
    if not plain or (folder / name).resolve().parent != folder.resolve():
        raise RecordingError(
            f"the manifest names a file outside the recording: {name!r}",
            file=folder / MANIFEST,
            layer=top.layer,
            fix=f"do not trust this recording; {_AGAIN}",
        )
    if not (folder / name).is_file():
        raise RecordingError("the file is missing", file=folder / name, layer=top.layer, fix=_AGAIN)
    return folder / name


def _read_foreign(folder: Path) -> Recording:
    tops = []
    for path in sorted(folder.glob("*.npy")):
        layer = unquote(path.stem)
        top = RecordedTop(layer=layer, type="", top=layer, shape=(), file=path.name, sha256="")
        with _inside(folder, top).open("rb") as stream:
            shape = _header(stream, path, layer)[0]
        tops.append(RecordedTop(layer=layer, type="", top=layer, shape=shape, file=path.name, sha256=""))
    if not tops:
        raise RecordingError(
            "neither a manifest nor a single .npy file", file=folder, fix="one .npy per layer is needed, named after it"
        )
    return Recording(folder=folder, engine="files", version="unknown", tops=tuple(tops))


def find_top(recording: Recording, layer: str, top: str | None = None) -> RecordedTop:
    """The manifest's line for a layer's top; the layer's only one, or the one of its own name, if none is named.

    Raises:
        RecordingError: no such layer or top, or several to choose from.
    """
    own = recording.of(layer)
    wanted = [line for line in own if line.top == top] if top is not None else list(own)
    if top is None and len(own) > 1:
        wanted = [line for line in own if line.top == layer]
    if len(wanted) == 1:
        return wanted[0]
    if own:
        there = ", ".join(line.top for line in own)
        what = f"no top {top!r}" if top is not None else "several tops"
        raise RecordingError(f"{what}; it has {there}", file=recording.folder, layer=layer, fix="name one of them")
    raise RecordingError("the recording has no such layer", file=recording.folder, layer=layer, fix=_AGAIN)


def load_top(recording: Recording, layer: str, top: str | None = None) -> NDArray[np.float32]:
    """One activation as float32 in Caffe's layout, mapped into memory, not to be written.

    Raises:
        RecordingError: no such layer, or a file that does not hold what the manifest says.
    """
    line = find_top(recording, layer, top)
    path = _inside(recording.folder, line)
    try:
        with path.open("rb") as stream:
            shape, fortran, dtype = _header(stream, path, layer)
            offset = stream.tell()
    except OSError as error:
        raise RecordingError(f"cannot be read: {error.strerror}", file=path, layer=layer, fix=_AGAIN) from error
    if shape != line.shape:
        raise RecordingError(
            f"damaged: shape {_by(shape)}, the manifest says {_by(line.shape)}", file=path, layer=layer, fix=_AGAIN
        )
    if math.prod(shape) == 0:
        return np.zeros(shape, np.float32)
    order: Literal["F", "C"] = "F" if fortran else "C"
    flat = np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=(math.prod(shape),))
    array: NDArray[np.float32] = np.asarray(flat).reshape(shape, order=order).astype(np.float32, copy=False)
    return array


def _header(stream: BinaryIO, path: Path, layer: str) -> tuple[Shape, bool, np.dtype[Any]]:
    """Shape, order and dtype that the file claims; its size must bear that out.

    Raises:
        RecordingError: no .npy file, one of another type, or one cut short.
    """
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version in ((2, 0), (3, 0)):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise ValueError(f"format version {version}")
    except (ValueError, TypeError, SyntaxError, EOFError, RecursionError, MemoryError) as error:
        raise RecordingError("damaged: no .npy file", file=path, layer=layer, fix=_AGAIN) from error
    if dtype.hasobject or dtype.kind != "f" or dtype.itemsize not in (4, 8):
        raise RecordingError(
            f"holds {dtype}, not float32 or float64", file=path, layer=layer, fix="save activations as float32"
        )
    claimed = stream.tell() + math.prod(shape) * dtype.itemsize
    actual = path.stat().st_size
    if claimed != actual:
        raise RecordingError(
            f"damaged: {actual:,} bytes, where shape {_by(shape)} takes {claimed:,}", file=path, layer=layer, fix=_AGAIN
        )
    return tuple(shape), fortran, dtype


def _by(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "()"


def verify(recording: Recording) -> None:
    """Holds every file against the manifest: shape, size and digest.

    A large file is read once and then again only when its size, inode or times have changed (`cache.file_sha256`), so
    this costs next to nothing from the second time on.

    Raises:
        RecordingError: the first file that is damaged.
    """
    good: dict[str, str] = {}
    for line in recording.tops:
        load_top(recording, line.layer, line.top)
        if line.sha256 and good.get(line.file) != line.sha256:
            path = recording.folder / line.file
            if cache.file_sha256(path) != line.sha256:
                raise RecordingError(
                    "damaged: its digest is not the manifest's", file=path, layer=line.layer, fix=_AGAIN
                )
            good[line.file] = line.sha256


# ---------------------------------------------------------------------------------------------------- writing


def write_manifest(recording: Recording, seconds: Mapping[tuple[str, str], float] | None = None) -> None:
    """Writes the manifest of a folder whose arrays are there already, in one move.

    `seconds` has the time of a layer by (layer, top), as far as it is known.
    """
    manifest = {
        "schema": SCHEMA,
        "engine": {
            "name": recording.engine,
            "version": recording.version,
            "image": recording.image,
            "threads": recording.threads,
        },
        "digests": dict(recording.digests),
        "seconds": recording.seconds,
        "tops": [
            {
                "layer": line.layer,
                "type": line.type,
                "top": line.top,
                "shape": list(line.shape),
                "file": line.file,
                "sha256": line.sha256,
                **({"python": True} if line.python else {}),
                **({"seconds": seconds[line.layer, line.top]} if seconds and (line.layer, line.top) in seconds else {}),
            }
            for line in recording.tops
        ],
    }
    cache.write_whole(recording.folder / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())


class RecordingWriter:
    """Records from Python: a context manager that leaves a whole recording or nothing.

        with RecordingWriter(folder, engine="keras", version="keras 3.15") as writer:
            writer.add("conv1", "Convolution", "conv1", array_nchw)
        writer.recording

    The arrays go to a folder beside the final one, which takes its place (and that of an older recording) at the end.
    """

    def __init__(
        self,
        folder: Path,
        *,
        engine: str,
        version: str,
        image: str | None = None,
        threads: int | None = None,
        digests: Mapping[str, str] | None = None,
    ) -> None:
        self._final = folder
        self._engine = engine
        self._version = version
        self._image = image
        self._threads = threads
        self._digests = dict(digests or {})
        self._tops: list[RecordedTop] = []
        self._seconds: dict[tuple[str, str], float] = {}
        self._files: dict[str, str] = {}
        self._layers: dict[str, int] = {}
        self._partial: Path | None = None
        self._recording: Recording | None = None

    @property
    def recording(self) -> Recording:
        """The finished recording; there is none before the context ends."""
        if self._recording is None:
            raise RuntimeError("the recording is not finished")
        return self._recording

    def __enter__(self) -> RecordingWriter:
        if self._final.exists() and not (self._final / MANIFEST).exists() and any(self._final.iterdir()):
            raise RecordingError(
                "holds something that is no recording", file=self._final, fix="choose a new or an empty folder"
            )
        self._partial = cache.partial_folder(self._final)
        return self

    def add(self, layer: str, type: str, top: str, array: NDArray[Any], *, seconds: float | None = None) -> None:
        """Writes one activation, NCHW, as float32. Layers come in the order of execution.

        Raises:
            RecordingError: the top is there already.
            EngineError: the disk is full or cannot be written.
        """
        if self._partial is None:
            raise RuntimeError("RecordingWriter.add outside of its context")
        if any(line.layer == layer and line.top == top for line in self._tops):
            raise RecordingError(f"top {top!r} was recorded twice", file=self._final, layer=layer)
        number = self._layers.setdefault(layer, len(self._layers) + 1)
        name = file_name(number, sum(line.layer == layer for line in self._tops), layer, top)
        values = np.asarray(array, dtype="<f4", order="C")
        stream = io.BytesIO()
        np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(values))
        digest = hashlib.sha256(stream.getvalue())
        data = values.reshape(-1).view(np.uint8).data if values.size else memoryview(b"")
        digest.update(data)
        sha256 = digest.hexdigest()
        if sha256 in self._files:
            name = self._files[sha256]
        else:
            self._files[sha256] = name
            try:
                with (self._partial / name).open("wb") as file:
                    file.write(stream.getvalue())
                    file.write(data)
            except OSError as error:
                raise disk_error(error, self._final) from error
        self._tops.append(RecordedTop(layer, type, top, values.shape, name, sha256))
        if seconds is not None:
            self._seconds[layer, top] = seconds

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        partial = self._partial
        assert partial is not None
        try:
            if kind is None:
                self._finish(partial)
        finally:
            self._partial = None
            shutil.rmtree(partial, ignore_errors=True)

    def _finish(self, partial: Path) -> None:
        if not self._tops:
            raise RecordingError("nothing was recorded", file=self._final)
        recording = Recording(
            folder=partial,
            engine=self._engine,
            version=self._version,
            tops=tuple(self._tops),
            image=self._image,
            threads=self._threads,
            digests=self._digests,
            seconds=math.fsum(self._seconds.values()) if self._seconds else None,
        )
        try:
            write_manifest(recording, self._seconds)
            cache.publish(partial, self._final)
        except OSError as error:
            raise disk_error(error, self._final) from error
        self._recording = read_recording(self._final)


def disk_error(error: OSError, folder: Path) -> HarnessError:
    """An error of the file system as one of ours: where, and what to do."""
    free = ""
    with contextlib.suppress(OSError):
        place = next(p for p in (folder, *folder.parents) if p.exists())
        free = f" ({shutil.disk_usage(place).free / 1e9:.1f} GB free)"
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return EngineError(
            f"no space left on the disk{free}",
            file=folder,
            fix="free some space, or choose a disk with more: --out DIR, HARNESS_CACHE=DIR",
        )
    return EngineError(f"cannot be written: {error.strerror}", file=folder, fix="choose another folder: --out DIR")
