"""The numeric paths: what decides, on either side, in which order sums are taken. And whether they could be taken here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.engines.image import image_tag

REPOSITORY = "caffe-keras-parity/false-alarms"


@dataclass(frozen=True)
class NumericPath:
    """One way to compute both sides: TensorFlow under some variables against Caffe with some BLAS."""

    name: str
    keras: Mapping[str, str] = field(default_factory=dict)  # variables that TensorFlow reads when it is imported
    caffe: Mapping[str, str] = field(default_factory=dict)  # arguments of the Dockerfile; none: the Caffe image itself


PATHS = (
    NumericPath("as installed"),
    NumericPath("Keras without oneDNN", keras={"TF_ENABLE_ONEDNN_OPTS": "0"}),
    *(
        NumericPath(f"Keras, oneDNN up to {cap}", keras={"TF_ENABLE_ONEDNN_OPTS": "1", "ONEDNN_MAX_CPU_ISA": cap})
        for cap in ("SSE41", "AVX2", "AVX512_CORE")
    ),
    *(NumericPath(f"Keras, {count} thread(s)", keras={"TF_NUM_INTRAOP_THREADS": count}) for count in ("1", "2")),
    *(
        NumericPath(f"Caffe, OpenBLAS for {core}", caffe={"CORETYPE": core})
        for core in ("Prescott", "Nehalem", "Haswell")
    ),
    *(NumericPath(f"Caffe, OpenBLAS, {count} thread(s)", caffe={"THREADS": count}) for count in ("1", "2")),
    NumericPath("Caffe with the reference BLAS", caffe={"REFERENCE": "1"}),
)

_ONE_CONVOLUTION = (
    "import numpy, tensorflow; x = numpy.ones((1, 16, 16, 16), 'f'); k = numpy.ones((3, 3, 16, 16), 'f');"
    "tensorflow.nn.conv2d(x, k, 1, 'SAME')"
)
_BLAS_IN_USE = (
    "import caffe, ctypes; used = {line.split()[-1] for line in open('/proc/self/maps') if 'libblas.so' in line};"
    "assert len(used) == 1, used; path = used.pop(); name = 'reference BLAS';\n"
    "if 'openblas' in path:\n"
    "    blas = ctypes.CDLL('libopenblas.so.0'); blas.openblas_get_corename.restype = ctypes.c_char_p\n"
    "    name = 'OpenBLAS for %s, %d thread(s)' % (blas.openblas_get_corename().decode(), blas.openblas_get_num_threads())\n"
    "print(name)"
)


def keras_in_effect(path: NumericPath) -> str:
    """What oneDNN says of itself under the path's variables, and of a convolution that it was given.

    Without oneDNN's own convolution, TensorFlow's (Eigen's) still calls its matrix product.
    """
    environment = {**os.environ, **path.keras, "ONEDNN_VERBOSE": "1"}
    said = subprocess.run(
        [sys.executable, "-c", _ONE_CONVOLUTION], env=environment, capture_output=True, text=True, check=True
    ).stdout
    isa, threads = re.search(r"cpu,isa:(.*)", said), re.search(r"nthr:(\d+)", said)
    kernel = re.search(r"exec,cpu,(convolution|gemm_api),([^,]*),", said)
    if isa is None or threads is None or kernel is None:
        return "no oneDNN"
    used = f"its {kernel[2]}" if kernel[1] == "convolution" else "Eigen's, on oneDNN's matrix product"
    return f"{isa[1]}; convolution: {used}; {threads[1]} thread(s)"


def caffe_in_effect(image: str) -> str:
    """Which BLAS an image's Caffe has loaded, and which kernels it has chosen on this processor."""
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python3", image, "-c", _BLAS_IN_USE]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def image_of(path: NumericPath) -> str | None:
    """The image of the path, built if need be; None for the Caffe image itself."""
    if not path.caffe:
        return None
    tag = "-".join(f"{name}-{value}" for name, value in path.caffe.items()).lower()
    name = f"{REPOSITORY}:{tag}"
    command = ["docker", "build", "--quiet", "--tag", name, "--build-arg", f"CAFFE={image_tag()}"]
    for argument, value in path.caffe.items():
        command += ["--build-arg", f"{argument}={value}"]
    subprocess.run([*command, str(Path(__file__).parent)], check=True, capture_output=True)
    return name


def processor() -> str:
    """This machine's processor and the instruction sets that matter here."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*:\s*(.*)", text)
    flags = set((re.search(r"flags\s*:\s*(.*)", text) or ["", ""])[1].split())
    known = [name for name in ("sse4_1", "avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_tile") if name in flags]
    return f"{model[1] if model else 'unknown processor'}: {', '.join(known)}"
