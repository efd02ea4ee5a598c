"""Keras on TensorFlow: imported here and nowhere else, since it takes seconds and has settings."""

from __future__ import annotations

import os
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
    try:
        import keras
        import tensorflow  # noqa: F401 - Keras imports without it, but does not run
    except ImportError as error:
        raise EngineMissingError(
            f"TensorFlow cannot be imported: {error}", fix="pip install 'caffe-keras-parity[tensorflow-cpu]'"
        ) from error
    return keras  # type: ignore[no-any-return]
