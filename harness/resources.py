"""Where the files that are no Python lie: in a checkout beside the package, in an installed wheel inside it."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UsageError

_PACKAGE = Path(__file__).resolve().parent


def docker_folder() -> Path:
    """The folder with the Dockerfile, the dump script, its Python layers and `make-base`.

    Raises:
        UsageError: the installation lacks it.
    """
    return _find("docker")


def fixtures_folder() -> Path:
    """The folder with the models, inputs and goldens that come with the tool.

    Raises:
        UsageError: the installation lacks it.
    """
    return _find("fixtures")


def dump_script() -> Path:
    """The script that records a net where Caffe is.

    Raises:
        UsageError: the installation lacks it.
    """
    return docker_folder() / "dump.py"


def layer_scripts() -> tuple[Path, ...]:
    """The Caffe Python layers that stand in for types of forks, where Caffe is; the dump script finds them beside it.

    Raises:
        UsageError: the installation lacks them.
    """
    return tuple(sorted((docker_folder() / "layers").glob("*.py")))


def _find(name: str, package: Path = _PACKAGE) -> Path:
    """The wheel's folder first: beside an installed package there may be another package of the same name."""
    inside = package / f"_{name}"
    if inside.is_dir():
        return inside
    beside = package.parent / name
    if beside.is_dir() and (package.parent / "pyproject.toml").is_file():
        return beside
    raise UsageError(
        f"this installation lacks its folder {name!r}",
        file=package,
        fix="install again: pip install --force-reinstall caffe-keras-parity",
    )
