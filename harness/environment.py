"""What the numbers were computed on; it stands in every report."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.compare import limits

INSTRUCTIONS = ("sse4_1", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "amx_tile")


def harness_version() -> str:
    """The version of this package."""
    try:
        return version("caffe-keras-parity")
    except PackageNotFoundError:
        return "not installed"


def describe_environment(folder: Path) -> dict[str, Any]:
    """Versions, processor and settings that can move the last bits of a float32.

    Args:
        folder: the case's; the git commit is that of the repository it lies in.
    """
    return {
        "harness": harness_version(),
        "python": platform.python_version(),
        "os": _os_name(),
        "cpu": _cpu(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0",
        "threads": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "tf32": False,  # on the CPU there is none
        "flush_denormals": True,  # TensorFlow's CPU kernels do
        "git": _git(folder),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "limit_units": limits.MAX_UNITS,
    }


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"


def _cpu() -> str:
    model, flags = platform.processor() or platform.machine(), set[str]()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                model = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
                break
    except OSError:
        pass
    return " ".join([model, *(name for name in INSTRUCTIONS if name in flags)])


def _git(folder: Path) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
