"""What is installed only when asked for: imported here and nowhere else, with the way to get it in the error."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from types import ModuleType

from harness.errors import EngineMissingError


def import_keras() -> ModuleType:
    """Keras on TensorFlow, on the CPU, without TensorFlow's start-up chatter.

    Raises:
        EngineMissingError: TensorFlow is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    with _without_chatter():
        _import("tensorflow", "runs the Keras model", "tensorflow-cpu")  # Keras imports without it, but does not run
        return _import("keras", "runs the Keras model", "tensorflow-cpu")


def import_keras_layers() -> ModuleType:
    """The harness' own Keras layers; importing them makes saved models that hold them loadable. Raises as `import_keras`."""
    import_keras()
    return importlib.import_module("harness.keras_layers")


def import_tf_keras() -> ModuleType:
    """Keras 2, which reads what Keras 3 does not read any more. Raises EngineMissingError."""
    import_keras()
    return _import("tf_keras", "reads models of Keras 2", "keras2")


def import_h5py() -> ModuleType:
    """h5py, for weights as HDF5. Raises EngineMissingError."""
    return _import("h5py", "keeps weights as HDF5", "convert")


def import_pillow() -> ModuleType:
    """`PIL.Image`, for pictures in and out. Raises EngineMissingError."""
    return _import("PIL.Image", "reads and writes pictures", "tensorflow-cpu")


def import_opencv() -> ModuleType:
    """OpenCV 4, which still reads Caffe nets. Raises EngineMissingError."""
    return _import("cv2", "is the second opinion", "opencv")


_CHATTER = (b"All log messages before absl::InitializeLog()", b"oneDNN custom operations are on")


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """Leave out what TensorFlow says of itself on its first import, whatever the log level; all else goes through."""
    if "tensorflow" in sys.modules:
        yield
        return
    with tempfile.TemporaryFile() as heard:
        sys.stderr.flush()
        try:
            stderr = os.dup(2)
        except OSError:  # no standard error at all
            yield
            return
        os.dup2(heard.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            heard.seek(0)
            for line in heard:
                if not any(words in line for words in _CHATTER):
                    os.write(2, line)


def _import(module: str, purpose: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise EngineMissingError(
            f"{module.split('.')[0]}, which {purpose}, cannot be imported: {error}",
            fix=f"pip install 'caffe-keras-parity[{extra}]'",
        ) from error
