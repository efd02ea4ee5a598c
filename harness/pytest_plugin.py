"""`pytest --model CASE`: the options. Without one of them nothing else of the harness is imported."""

from __future__ import annotations

from collections.abc import Generator

import pytest

OPTIONS = {
    "--model": (
        "--parity-model",
        "parity_models",
        "CASE",
        "append",
        "compare this case, a test per layer (repeatable)",
    ),
    "--reference": (
        "--parity-reference",
        "parity_reference",
        "ENGINE",
        "store",
        "the engine that computes the reference",
    ),
}
"""Short name → the name that nobody else has, destination, metavar, action, help."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The names that are ours alone; many projects have a --model of their own."""
    group = parser.getgroup("parity", "parity of a Keras port with its Caffe original")
    for short, (name, destination, metavar, action, text) in OPTIONS.items():
        group.addoption(
            name, dest=destination, metavar=metavar, action=action, help=f"{text}; also {short} if it is free"
        )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, None, None]:
    """The short names, once every other plugin and conftest has taken what it wants."""
    yield
    group = parser.getgroup("parity")
    for short, (_, destination, metavar, action, text) in OPTIONS.items():
        _, unknown = parser.parse_known_and_unknown_args([f"{short}=CASE"])
        if unknown:
            group.addoption(short, dest=destination, metavar=metavar, action=action, help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Bring in the rest if a case was asked for."""
    if config.getoption("parity_models", None):
        from harness.pytest_session import ParitySession

        config.pluginmanager.register(ParitySession(config), "parity-session")
