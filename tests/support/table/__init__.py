"""Layers with parameters that tell height from width, inside from border, one axis from another and one group from the next.

One module for each layer type (or for a few that are alike), found by being here. It gives `ENTRIES`, and `tops_of`,
which works an entry out with plain float64 loops that share nothing with the harness. The unit tests hold each entry
against its loops, and the engine test runs all of them through Caffe in one net. A module may also give `draw`, which
makes up an entry by the choices that it is handed; test_drawn_layers.py asks it for as many as it wants.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from support import nets
from support.choice import Choice

from harness.data import Network, Shape

Two = tuple[int, int]
Sides = tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], np.ndarray]


def normal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Numbers around 0.3, as most layers meet them."""
    return rng.normal(size=shape) + 0.3


def positive(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Numbers in 0.1 … 3."""
    return rng.uniform(0.1, 3.0, size=shape)


@dataclass(frozen=True)
class Entry:
    """One layer of the table."""

    id: str
    kind: str
    shapes: tuple[Shape, ...]  # of the bottoms, in Caffe's layout
    parameters: str = ""
    tops: int = 1
    keras: bool = True  # False: the converter must refuse it
    fork: bool = False  # True: a type of a fork of Caffe, for which a Python layer of ours stands in
    draws: tuple[Draw, ...] = (normal,)  # what the bottoms hold; the last one serves the rest
    draw_blobs: Callable[[np.random.Generator, Sequence[Shape]], Sequence[np.ndarray]] | None = None
    seed: int = 0  # of the numbers that it learned and that it reads

    def text(self, name: str, bottoms: Sequence[str]) -> str:
        """The layer in a prototxt; its tops are called after it."""
        reads = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
        makes = " ".join(f'top: "{top}"' for top in self.top_names(name))
        return f'layer {{ name: "{name}" type: "{self.kind}" {reads} {makes} {self.parameters} }}\n'

    def top_names(self, name: str) -> list[str]:
        """What the layer's tops are called."""
        return [name] if self.tops == 1 else [f"{name}_{position}" for position in range(self.tops)]

    @property
    def bottom_names(self) -> list[str]:
        """What the bottoms are called where the layer stands alone."""
        return [f"data{index or ''}" for index in range(len(self.shapes))]

    @property
    def net(self) -> Network:
        """A net of this layer alone, called `layer`, behind inputs `data`, `data1` …"""
        text = "".join(nets.data(*shape, name=name) for name, shape in zip(self.bottom_names, self.shapes, strict=True))
        return nets.network(text + self.text("layer", self.bottom_names))

    def inputs(self, seed: int | None = None) -> list[np.ndarray]:
        """What the bottoms hold, float32."""
        rng = np.random.default_rng(self.seed + 1 if seed is None else seed)
        draws = (*self.draws, *self.draws[-1:] * len(self.shapes))
        return [draw(rng, shape).astype(np.float32) for draw, shape in zip(draws, self.shapes, strict=False)]

    def blobs(self, net: Network, seed: int | None = None) -> tuple[np.ndarray, ...]:
        """The learned blobs of the layer in its net, float32, in Caffe's layouts."""
        seed = self.seed if seed is None else seed
        if self.draw_blobs is None:
            return nets.random_blobs(net, seed).get("layer", ())
        shapes = nets.expected_blobs(net).get("layer", ())
        drawn = self.draw_blobs(np.random.default_rng(seed), shapes)
        return tuple(np.asarray(one, np.float32).reshape(shape) for one, shape in zip(drawn, shapes, strict=True))


def plain(kind: str, id: str, shape: Shape | tuple[Shape, ...], parameters: str = "", **more) -> Entry:
    """An entry of one bottom, or of several where a tuple of shapes is given."""
    shapes = shape if shape and isinstance(shape[0], tuple) else (shape,)
    return Entry(f"{kind.lower()} {id}", kind, shapes, parameters, **more)


@dataclass(frozen=True)
class Rootless(Entry):
    """A layer without bottoms. Its net has an input all the same, since a net begins with one; nobody reads it."""

    def text(self, name: str, bottoms: Sequence[str]) -> str:
        return super().text(name, ())


@dataclass(frozen=True)
class Sliding(Entry):
    """A layer with a window; each tuple has one number for each spatial axis: height, width."""

    kernel: Sides = (1, 1)
    stride: Sides = (1, 1)
    pad: Sides = (0, 0)
    dilation: Sides = (1, 1)
    group: int = 1
    bias: bool = True
    average: bool = False
    floor: bool = False


def window(kind: str, id: str, shape: Shape, kernel: Sides, outputs: int = 0, **more) -> Sliding:
    """An entry with a window, written side by side."""
    axes = len(kernel)
    stride, pad = more.setdefault("stride", (1,) * axes), more.setdefault("pad", (0,) * axes)
    dilation, group, bias = more.setdefault("dilation", (1,) * axes), more.get("group", 1), more.get("bias", True)
    if axes == 2:
        text = f"kernel_h: {kernel[0]} kernel_w: {kernel[1]} stride_h: {stride[0]} stride_w: {stride[1]} "
        text += f"pad_h: {pad[0]} pad_w: {pad[1]}"
    else:
        text = f"kernel_size: {list(kernel)} stride: {list(stride)} pad: {list(pad)}"
    if kind == "Pooling":
        text += f" pool: {'AVE' if more.get('average') else 'MAX'}"
        text += " round_mode: FLOOR" if more.get("floor") else ""
    else:
        text += f" num_output: {outputs} group: {group} bias_term: {str(bias).lower()} dilation: {list(dilation)}"
    key = "pooling_param" if kind == "Pooling" else "convolution_param"
    return Sliding(f"{kind.lower()} {id}", kind, (shape,), f"{key} {{ {text} }}", kernel=kernel, **more)


def lacking(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The same entries as ones that the converter must refuse."""
    return tuple(replace(entry, keras=False) for entry in entries)


def _modules():
    names = [info.name for info in pkgutil.iter_modules(__path__)]
    return [importlib.import_module(f"{__name__}.{name}") for name in names]


def _collect() -> dict[str, tuple[Entry, Callable[..., Sequence[np.ndarray]]]]:
    found = {}
    for module in _modules():
        for entry in module.ENTRIES:
            assert entry.id not in found, f"{entry.id} stands twice in the table"
            found[entry.id] = (entry, module.tops_of)
    return found


_TABLE = _collect()
ALL = tuple(entry for entry, _ in _TABLE.values())
CONVERTIBLE = tuple(entry for entry in ALL if entry.keras)
UNCONVERTIBLE = tuple(entry for entry in ALL if not entry.keras)


_LOOPS = {entry.kind: module.tops_of for module in _modules() for entry in module.ENTRIES}
DRAWS: dict[str, Callable[[Choice], Entry]] = {
    module.__name__.rpartition(".")[2]: module.draw for module in _modules() if hasattr(module, "draw")
}
"""What makes up an entry, by the module's name."""


def expected_tops(entry: Entry, blobs: Sequence[np.ndarray], bottoms: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Every top in float64 by the plain loops, in Caffe's layout."""
    tops_of = _TABLE[entry.id][1] if entry.id in _TABLE else _LOOPS[entry.kind]
    return list(tops_of(entry, blobs, bottoms))
