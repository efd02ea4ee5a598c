"""Weights from a seed, from a file and from a URL."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support import nets
from support.recording import TINY, request_of

from harness import cache, pipeline
from harness.caffe import read_network, write_caffemodel
from harness.cases import read_case
from harness.convert.weights import check_weights
from harness.data import Case, InputSource, Network, WeightsSource
from harness.engines.reference import Reference
from harness.errors import CaffemodelError, EngineMissingError, WeightsError
from harness.sources import case_weights, fetch_golden

SHARED = 'param { name: "w" } param { name: "v" }'


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def caffemodel(tmp_path: Path) -> Path:
    return request_of(tmp_path / "net", TINY).caffemodel


@pytest.fixture
def net(caffemodel: Path) -> Network:
    return read_network(caffemodel.with_name("deploy.prototxt"))


def case(net: Network, **source: object) -> Case:
    assert net.path is not None
    return Case("tiny", net.path.parent, net.path, "auto", WeightsSource(**source), InputSource(seed=0))  # type: ignore[arg-type]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class TestSeed:
    def test_the_same_seed_gives_the_same_bytes(self, net: Network) -> None:
        first = case_weights(case(net, seed=3), net)
        cache.clear()
        again = case_weights(case(net, seed=3), net)
        assert first.sha256 == again.sha256
        assert again.kind == "synthetic"
        assert case_weights(case(net, seed=4), net).sha256 != first.sha256

    def test_a_net_that_learns_nothing_has_a_file_too(self, tmp_path: Path) -> None:
        (tmp_path / "deploy.prototxt").write_text(nets.data(1, 2, 3, 4) + nets.relu("data"))
        net = read_network(tmp_path / "deploy.prototxt")
        weights = case_weights(case(net, seed=0), net)
        assert dict(weights.blobs) == {}
        assert weights.path.stat().st_size > 0
        assert case_weights(case(net, seed=0), net).sha256 == weights.sha256

    def test_blobs_shared_by_name_are_resolved(self, tmp_path: Path) -> None:
        text = nets.data(1, 2, 6, 7)
        for name in ("a", "b"):
            text += nets.layer(
                "Convolution", "data", name, "convolution_param { num_output: 2 kernel_size: 3 } " + SHARED
            )
        (tmp_path / "deploy.prototxt").write_text(text)
        net = read_network(tmp_path / "deploy.prototxt")
        numbers = {"a": (np.ones((2, 2, 3, 3)), np.zeros(2))}
        write_caffemodel(tmp_path / "net.caffemodel", "", numbers, {"a": "Convolution"})
        weights = case_weights(case(net, caffemodel=tmp_path / "net.caffemodel"), net)
        np.testing.assert_array_equal(weights.of("b")[0], np.ones((2, 2, 3, 3)))
        check_weights(net, weights)

    def test_they_are_written_once(self, net: Network) -> None:
        path = case_weights(case(net, seed=3), net).path
        written = path.stat().st_mtime_ns
        assert case_weights(case(net, seed=3), net).path == path
        assert path.stat().st_mtime_ns == written

    def test_a_damaged_file_in_the_cache_is_made_again(self, net: Network) -> None:
        whole = case_weights(case(net, seed=3), net)
        whole.path.write_bytes(whole.path.read_bytes()[:-9])
        assert case_weights(case(net, seed=3), net).sha256 == whole.sha256


class TestFile:
    def test_is_read(self, net: Network, caffemodel: Path) -> None:
        weights = case_weights(case(net, caffemodel=caffemodel), net)
        assert (weights.kind, weights.sha256) == ("trained", sha256(caffemodel))
        assert weights.of("conv")[0].shape == (3, 2, 3, 3)

    def test_of_another_digest_than_the_case_gives(self, net: Network, caffemodel: Path) -> None:
        with pytest.raises(WeightsError) as caught:
            case_weights(case(net, caffemodel=caffemodel, sha256="0" * 64), net)
        assert str(caught.value) == (
            f"{caffemodel}: its sha256 is {sha256(caffemodel)[:12]}…, the case asks for 000000000000…\n"
            "  → take the file that the case was made for, or renew sha256 in its case.toml"
        )

    def test_that_is_truncated(self, net: Network, caffemodel: Path) -> None:
        caffemodel.write_bytes(caffemodel.read_bytes()[:-9])
        with pytest.raises(CaffemodelError):
            case_weights(case(net, caffemodel=caffemodel), net)


class TestUrl:
    def test_is_fetched_only_when_asked_and_then_kept(self, net: Network, caffemodel: Path) -> None:
        source = case(net, url=caffemodel.as_uri(), sha256=sha256(caffemodel))
        with pytest.raises(WeightsError) as caught:
            case_weights(source, net)
        assert str(caught.value) == (
            f"the weights at {caffemodel.as_uri()} are not here yet\n  → run again with --fetch to download them"
        )
        fetched = case_weights(source, net, fetch=True)
        caffemodel.unlink()
        kept = case_weights(source, net)
        assert kept.sha256 == fetched.sha256
        np.testing.assert_array_equal(kept.of("conv")[0], fetched.of("conv")[0])

    def test_that_gives_something_else_leaves_nothing(self, net: Network, caffemodel: Path, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match=r"gives has another sha256 than the case asks for\n  → do not use it"):
            case_weights(case(net, url=caffemodel.as_uri(), sha256="0" * 64), net, fetch=True)
        assert list((tmp_path / "cache" / "weights").iterdir()) == []

    def test_a_kept_file_that_was_damaged_is_fetched_again(self, net: Network, caffemodel: Path) -> None:
        source = case(net, url=caffemodel.as_uri(), sha256=sha256(caffemodel))
        kept = case_weights(source, net, fetch=True)
        kept.path.write_bytes(kept.path.read_bytes()[:-1])
        with pytest.raises(WeightsError, match="are not here yet"):
            case_weights(source, net)
        assert case_weights(source, net, fetch=True).sha256 == kept.sha256

    @pytest.mark.parametrize("url", ["file:///no/such/file", "nonsense"])
    def test_that_does_not_answer(self, url: str, net: Network) -> None:
        with pytest.raises(WeightsError) as caught:
            case_weights(case(net, url=url, sha256="0" * 64), net, fetch=True)
        assert caught.value.message.startswith(f"cannot download {url}: ")
        assert caught.value.fix == "get it by hand, or look for a typing error in the case"

    def test_without_a_digest(self, net: Network) -> None:
        with pytest.raises(WeightsError, match=r"\[weights\] has a url without its sha256\n  → add sha256 ="):
            case_weights(case(net, url="https://example.org/x"), net, fetch=True)


def packed_golden(folder: Path, models: Path, *, prefix: str = "") -> tuple[str, str]:
    """A zip of the golden of digits_lenet, as a URL and its digest."""
    file = folder / "golden.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for one in (models.parent / "golden" / "digits_lenet").iterdir():
            archive.write(one, f"{prefix}{one.name}")
    return file.as_uri(), hashlib.sha256(file.read_bytes()).hexdigest()


def far_case(tmp_path: Path, models: Path, url: str, digest: str) -> Case:
    """digits_lenet under another name, so that only the golden at the URL can be meant."""
    folder = Path(shutil.copytree(models / "digits_lenet", tmp_path / "far"))
    text = (folder / "case.toml").read_text().replace('name = "digits_lenet"', 'name = "far"')
    (folder / "case.toml").write_text(f'{text}\n[golden]\nurl = "{url}"\nsha256 = "{digest}"\n')
    return read_case(folder)


@pytest.mark.parametrize("prefix", ["", "a/folder/", "../../"])
def test_a_golden_at_a_url_is_fetched_when_asked_and_stays_in_its_folder(tmp_path, models, monkeypatch, prefix):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "one" / "two" / "cache"))
    case = far_case(tmp_path, models, *packed_golden(tmp_path, models, prefix=prefix))
    before = {path for path in tmp_path.iterdir()}
    with pytest.raises(EngineMissingError, match="there is no golden of far"):
        pipeline.compare(case, pipeline.Options(reference=Reference(engine="golden")))
    assert pipeline.compare(case, pipeline.Options(reference=Reference(engine="golden"), fetch=True)).passed
    assert {path for path in tmp_path.iterdir()} - before <= {tmp_path / "one"}


def test_a_golden_with_another_digest_is_not_taken(tmp_path, models, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    url, _ = packed_golden(tmp_path, models)
    with pytest.raises(WeightsError, match="has another sha256 than the case asks for"):
        fetch_golden(far_case(tmp_path, models, url, "0" * 64))
    assert [path.name for path in (tmp_path / "cache" / "goldens").iterdir()] == []
