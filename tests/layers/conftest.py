"""What real Caffe gave for the whole table of layers: as it was recorded, and in one run now."""

from __future__ import annotations

import pytest
from support.caffe_table import Computed, run_caffe
from support.goldens import Goldens
from support.table import ALL

from harness.engines import docker


@pytest.fixture(scope="session")
def caffe() -> Goldens:
    """Every layer of the table as BVLC Caffe computed it, types of forks by Python layers in it, by the entry's id."""
    return Goldens(ALL)


@pytest.fixture(scope="session")
def caffe_now(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Computed]:
    """The same, computed now."""
    problem = docker.available(None)
    if problem:
        pytest.skip(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        return run_caffe(tmp_path_factory.mktemp("table"), ALL)
