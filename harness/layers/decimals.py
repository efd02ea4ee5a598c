"""Numbers of a prototxt as they were written."""

from __future__ import annotations

import numpy as np


def as_written(value: float) -> float:
    """The shortest decimal that float32 rounds to a parameter: 1e-05 for Caffe's 9.999999747378752e-06."""
    return float(str(np.float32(value)))
