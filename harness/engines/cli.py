"""Calls to the command line of docker or podman."""

from __future__ import annotations

import subprocess

from harness.errors import EngineMissingError


def call(cli: str, *arguments: str, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; its status is the caller's to judge.

    Raises:
        EngineMissingError: it cannot be started, or does not end in time.
    """
    try:
        return subprocess.run(
            [cli, *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
        )
    except OSError as error:
        raise EngineMissingError(f"{cli} cannot be started: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise EngineMissingError(f"{cli} does not answer within {timeout:g} s", fix="is its daemon well?") from error


def last_line(text: str) -> str:
    """What a command said last, which is where it says why it failed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
