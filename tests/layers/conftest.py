"""One run of real Caffe for the whole table of layers."""

from __future__ import annotations

import pytest
from support.caffe_table import Computed, run_caffe
from support.table import ALL

from harness.engines import docker


@pytest.fixture(scope="session")
def caffe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Computed]:
    """Every layer of the table that BVLC's Caffe has as it computes it, by the entry's id."""
    problem = docker.available(None)
    if problem:
        pytest.skip(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        return run_caffe(tmp_path_factory.mktemp("table"), [entry for entry in ALL if not entry.fork])
