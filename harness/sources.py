"""Where a case's weights and its golden come from: a file, a URL that was asked for, or a seed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import urllib.request
import zipfile
from http.client import HTTPException
from pathlib import Path

from harness.cache import file_sha256, folder, locked, partial_folder, publish
from harness.caffe import load_weights, write_caffemodel
from harness.convert.synthetic import synthetic_weights
from harness.data import Case, Network, Weights
from harness.errors import CaffemodelError, WeightsError
from harness.recording import MANIFEST, read_recording

SYNTHETIC = 1
"""To be raised when `synthetic_weights` gives other numbers for a seed, so that cached files are not taken for them."""


def case_weights(case: Case, network: Network, *, fetch: bool = False) -> Weights:
    """The weights of a case. Synthetic ones are written as a caffemodel into the cache, for Caffe to read.

    Args:
        fetch: download what the case gives as a URL.

    Raises:
        WeightsError: the file is not there, or not the one whose digest the case gives.
    """
    source = case.weights
    if source.seed is not None:
        return _synthetic(network, source.seed)
    path = source.caffemodel or _fetched(case, fetch=fetch)
    weights = load_weights(path, "synthetic" if source.synthetic else "trained", network)
    if source.sha256 and weights.sha256 != source.sha256:
        raise WeightsError(
            f"its sha256 is {weights.sha256[:12]}…, the case asks for {source.sha256[:12]}…",
            file=path,
            fix="take the file that the case was made for, or renew sha256 in its case.toml",
        )
    return weights


def _synthetic(network: Network, seed: int) -> Weights:
    assert network.path is not None
    sizes = [f"{top}{shape}" for top, shape in network.inputs.items()]  # an inner product's weights depend on them
    key = hashlib.sha256(f"{SYNTHETIC}/{seed}/{file_sha256(network.path)}/{sizes}".encode()).hexdigest()[:20]
    path = folder("weights") / f"synthetic-{key}.caffemodel"
    with locked(f"weights/{path.name}"):
        if path.exists():
            with contextlib.suppress(CaffemodelError):
                return load_weights(path, "synthetic", network)
        types = {layer.name: layer.type for layer in network.layers}
        # A net that learns nothing is written as Caffe would, its layers without blobs: the file may not be empty.
        blobs = synthetic_weights(network, seed) or dict.fromkeys(types, ())
        write_caffemodel(path, network.name, blobs, types)
        return load_weights(path, "synthetic", network)


def _fetched(case: Case, *, fetch: bool) -> Path:
    url, digest = case.weights.url, case.weights.sha256
    assert url is not None
    if not digest:
        raise WeightsError("[weights] has a url without its sha256", file=case.folder, fix='add sha256 = "…"')
    path = folder("weights") / f"{digest}.caffemodel"
    with locked(f"weights/{path.name}"):
        if path.exists() and file_sha256(path) == digest:
            return path
        if not fetch:
            raise WeightsError(f"the weights at {url} are not here yet", fix="run again with --fetch to download them")
        _download(url, digest, path)
    return path


def fetch_golden(case: Case) -> None:
    """Download and unpack the golden that a case gives as a URL, if it is not here yet.

    Raises:
        WeightsError: it cannot be downloaded, is not the one whose digest the case gives, or is no zip of a recording.
    """
    if case.golden is None:
        return
    final = folder("goldens") / case.golden.sha256
    with locked(f"goldens/{final.name}"):
        if (final / MANIFEST).is_file():
            return
        packed = final.with_suffix(".zip")
        _download(case.golden.url, case.golden.sha256, packed)
        partial = partial_folder(final)
        try:
            with zipfile.ZipFile(packed) as archive:
                for item in archive.infolist():
                    name = Path(item.filename).name  # whatever folder it says, it comes to lie in ours
                    if name == MANIFEST or name.endswith(".npy"):
                        with archive.open(item) as source, (partial / name).open("wb") as target:
                            shutil.copyfileobj(source, target, 1 << 20)
            read_recording(partial)
            publish(partial, final)
        except (zipfile.BadZipFile, OSError) as error:
            raise WeightsError(f"the golden at {case.golden.url} is no zip of a recording: {error}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            packed.unlink(missing_ok=True)


def _download(url: str, digest: str, path: Path) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, part.open("wb") as stream:
            shutil.copyfileobj(answer, stream, 1 << 20)
        if file_sha256(part) != digest:
            raise WeightsError(
                f"what {url} gives has another sha256 than the case asks for", fix="do not use it; ask its owner"
            )
        part.replace(path)
    except (OSError, ValueError, HTTPException) as error:
        raise WeightsError(
            f"cannot download {url}: {error}", fix="get it by hand, or look for a typing error in the case"
        ) from error
    finally:
        part.unlink(missing_ok=True)
