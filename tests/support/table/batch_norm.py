"""BatchNorm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from support.table import Entry


def statistics(weight: float, low: float = 0.2, far: float = 1.0):
    """Blobs whose sums were taken with a weight: means of size `far`, variances from `low` to 3."""

    def draw(rng: np.random.Generator, shapes):
        mean, variance = far * rng.normal(size=shapes[0]), rng.uniform(low, 3, size=shapes[1])
        return [mean * (weight or 1), variance * (weight or 1), np.full(shapes[2], weight)]

    return draw


def shifted(rng: np.random.Generator, shape) -> np.ndarray:
    """Numbers far from zero, so that Keras' two terms nearly cancel."""
    return rng.normal(size=shape) + 40 * np.sign(rng.normal(size=(1, shape[1], *(1,) * (len(shape) - 2))))


def dead(rng: np.random.Generator, shape) -> np.ndarray:
    """Channels of denormal numbers, of zeros and of one number throughout, beside living ones."""
    x = rng.normal(size=shape)
    x[:, 0] *= 1e-40
    x[:, 1] = 0
    x[:, 2] = 1.7
    return x


def hardly_any(rng: np.random.Generator, shapes):
    """A variance of zero, one far below eps, and one so large that little is left."""
    return [rng.normal(size=shapes[0]), np.array([0, 1e-12, 1e12, 1, 2][: shapes[1][0]]), np.ones(1)]


@dataclass(frozen=True)
class Norm(Entry):
    """An entry with its eps, and whether it takes the batch's own statistics."""

    eps: float = 1e-5
    local: bool = False


def norm(id: str, shape, parameters: str = "", *, weight: float = 1.0, draw=None, **more) -> Norm:
    """An entry with statistics to its shape."""
    text = parameters + (f" eps: {more['eps']}" if "eps" in more else "")
    text += " use_global_stats: false" if more.get("local") else ""
    text = f"batch_norm_param {{ {text} }}" if text else ""
    return Norm(f"batchnorm {id}", "BatchNorm", (shape,), text, draw_blobs=draw or statistics(weight), **more)


ENTRIES = (
    norm("of an image", (2, 5, 4, 6)),
    norm("weighed sums", (1, 7, 5, 3), weight=999.982),
    norm("weighed sums, less than one", (1, 7, 5, 3), weight=0.37),
    norm("weight zero", (1, 3, 4, 5), weight=0.0),
    norm("eps 0.001", (2, 4, 3, 5), eps=0.001),
    norm("eps 2e-5", (1, 4, 3, 5), "use_global_stats: true", eps=2e-5),
    norm("variances beside eps", (2, 5, 3, 4), draw=hardly_any),
    norm("means far from zero", (2, 6, 4, 5), draw=statistics(1.0, far=50.0), draws=(shifted,)),
    norm("of dead channels", (2, 5, 4, 5), draws=(dead,)),
    norm("of a vector", (3, 6)),
    norm("of a sequence", (2, 4, 7)),
    norm("of a volume", (2, 3, 2, 4, 3)),
    norm("of many channels", (1, 131, 3, 2)),
    norm("by the batch", (3, 4, 5, 6), local=True),
    norm("by the batch, one image", (1, 4, 5, 6), local=True),
    norm("by the batch, far from zero", (2, 4, 5, 7), local=True, draws=(shifted,)),
    norm("by the batch, eps 0.01", (2, 4, 5, 6), local=True, eps=0.01),
    norm("by the batch, of a vector", (4, 6), local=True),
    norm("by the batch, one vector", (1, 6), local=True),
    norm("by the batch, of a sequence", (2, 4, 7), local=True),
    norm("by the batch, of a volume", (2, 3, 2, 4, 3), local=True),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One channel after the other, one number after the other."""
    assert isinstance(entry, Norm)
    (x,) = bottoms
    top, eps = np.zeros(x.shape), float(np.float32(entry.eps))
    weight = np.float32(blobs[2].reshape(-1)[0])
    share = np.float32(1.0) / weight if weight != 0 else np.float32(0.0)
    for c in range(x.shape[1]):
        numbers = [float(one) for one in x[:, c].reshape(-1)]
        if entry.local:
            mean = math.fsum(numbers) / len(numbers)
            variance = math.fsum((one - mean) ** 2 for one in numbers) / len(numbers)
        else:
            mean, variance = float(blobs[0][c] * share), float(blobs[1][c] * share)
        normal = [(one - mean) / math.sqrt(variance + eps) for one in numbers]
        top[:, c] = np.reshape(normal, x[:, c].shape)
    return [top]
