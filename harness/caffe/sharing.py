"""Blobs that several layers share by name, `param { name: "w" }`, and what Caffe ends up with in them.

The first layer with a name owns the blob; those after it have the same memory. A caffemodel may hold the numbers under
the owner, under a layer that shares, or under each of them: Caffe copies layer by layer in the order of the *file*, so
the last one stays. Source: BVLC Caffe 1.0, net.cpp, `AppendParam` and `CopyTrainedLayersFrom`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from harness.data import Network, Weights


class Blob(NamedTuple):
    """A learned blob of a layer, counted from 0."""

    layer: str
    number: int


def share_blobs(network: Network) -> dict[Blob, Blob]:
    """The blobs that another layer (or another blob of the same layer) owns, each with the one that owns it."""
    owners: dict[str, Blob] = {}
    shared: dict[Blob, Blob] = {}
    for layer in network.layers:
        for index, spec in enumerate(layer.parameters.param):
            if spec.name:
                blob = Blob(layer.name, index)
                owner = owners.setdefault(spec.name, blob)
                if owner != blob:
                    shared[blob] = owner
    return shared


def with_shared(weights: Weights, network: Network) -> Weights:
    """The weights as Caffe has them once they are copied into this net."""
    shared = share_blobs(network)
    return replace(weights, blobs=_Shared(weights.blobs, shared)) if shared else weights


class _Shared(Mapping[str, tuple[np.ndarray, ...]]):
    """Blobs by layer, each shared one taken from the last layer of the file that has it.

    A layer that the file lacks is there if the blobs of others make it up.
    """

    def __init__(self, blobs: Mapping[str, tuple[np.ndarray, ...]], shared: Mapping[Blob, Blob]) -> None:
        self._blobs = blobs
        owners = {owner: owner for owner in shared.values()} | dict(shared)
        in_file = {layer: place for place, layer in enumerate(blobs)}
        last: dict[Blob, Blob] = {}  # owner → the blob whose numbers stay
        for blob in sorted(owners, key=lambda blob: (in_file.get(blob.layer, -1), blob.number)):
            if blob.layer in in_file:
                last[owners[blob]] = blob
        self._source = {blob: last[owner] for blob, owner in owners.items() if owner in last}
        self._made_up: dict[str, int] = {}  # layers that the file lacks → how many blobs others give them
        for layer in dict.fromkeys(blob.layer for blob in owners):
            count = 1 + max(blob.number for blob in owners if blob.layer == layer)
            if layer not in blobs and all(Blob(layer, index) in self._source for index in range(count)):
                self._made_up[layer] = count

    def __getitem__(self, layer: str) -> tuple[np.ndarray, ...]:
        if layer in self._made_up:
            return tuple(self._read(self._source[Blob(layer, index)]) for index in range(self._made_up[layer]))
        return tuple(self._filled(Blob(layer, index), own) for index, own in enumerate(self._blobs[layer]))

    def _filled(self, blob: Blob, own: np.ndarray) -> np.ndarray:
        """A blob of the file with the numbers that stay, in its own shape (`share_mode: PERMISSIVE` lets them differ)."""
        source = self._source.get(blob, blob)
        other = own if source == blob else self._read(source)
        return other.reshape(own.shape) if other.size == own.size else own

    def _read(self, blob: Blob) -> np.ndarray:
        array: np.ndarray = self._blobs[blob.layer][blob.number]
        return array

    def __iter__(self) -> Iterator[str]:
        yield from self._blobs
        yield from self._made_up

    def __len__(self) -> int:
        return len(self._blobs) + len(self._made_up)
