"""Bugs that were met: a thread's net, or the smallest part of it, and the port as it was in the thread."""

from __future__ import annotations

import math
from collections.abc import Mapping

from benchmarks.bugs.bug import Bug, Edit, Fault
from benchmarks.bugs.net import PHOTOGRAPH, Net
from harness.data import InputSource

HEAD = '''"""{thread}"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks.bugs.loading import change, load_weights


def get_model():
    image = keras.Input({shape})
{body}
    model = keras.Model(image, x)
    load_weights(model, __file__{how})
{then}    return model
'''

SMALL = 30 * 30
"""Pixels of an input that is filled with noise in place of a photograph."""


def met(
    thread: str,
    number: str,
    faults: Mapping[str, str],
    shape: tuple[int, int, int],
    prototxt: str,
    port: str,
    *repair: Edit,
    load: str = "",
    then: str = "",
    more: str = "",
) -> tuple[Net, Bug]:
    """A net, and the port that was wrong.

    Args:
        thread: repository#number.
        number: the figure by which the thread shows it.
        faults: code → the Caffe layer at fault, `conv1+relu1` where a port may compute both in one.
        shape: of the input, C, H, W.
        prototxt: the layers behind `data`.
        port: statements that make `x` of `image`, as they were.
        repair: what has to be replaced in the port to make it right.
        load: further arguments of `load_weights`.
        then: statements behind it.
        more: functions and classes behind `get_model`.
    """
    name = thread.replace("/", "-").replace("#", "-")
    if then:
        then = "".join(f"    {line}\n" for line in then.strip().splitlines())
    body = "\n".join(f"    {line}" for line in port.strip().splitlines())
    last = (shape[1], shape[2], shape[0])
    wrong = HEAD.format(thread=thread, shape=last, body=body, how=f", {load}" if load else "", then=then)
    if more:
        wrong += f"\n\n{more.strip()}\n"
    places = tuple(Fault((code,), tuple(at.split("+"))) for code, at in faults.items())
    bug = Bug(name, name, "port", places, source=wrong, thread=thread, number=number)
    right = Bug(name, name, "port", (), tuple(repair)).apply(wrong)
    dims = " ".join(f"dim: {size}" for size in (1, *shape))
    data = f'layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ {dims} }} }} }}'
    # The middle of a photograph is nearly flat over a few pixels, and hides what noise shows.
    fed = PHOTOGRAPH if shape[0] == 3 and math.prod(shape[1:]) > SMALL else InputSource(seed=0)
    return Net(name, f'name: "{name}"\n{data}\n{prototxt.strip()}\n', {"port": right}, fed), bug


def conv(name: str, bottom: str, parameters: str) -> str:
    """A Convolution's prototxt, in a line."""
    return layer(name, "Convolution", bottom, f"convolution_param {{ {parameters} }}")


def layer(name: str, kind: str, bottoms: str, parameters: str = "", top: str = "") -> str:
    """A layer's prototxt, in a line; bottoms are separated by spaces."""
    reads = " ".join(f'bottom: "{bottom}"' for bottom in bottoms.split())
    return f'layer {{ name: "{name}" type: "{kind}" {reads} top: "{top or name}" {parameters} }}\n'
