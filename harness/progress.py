"""How long work says where it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called as work goes on; what is drawn of it is the caller's business."""

    def __call__(self, stage: str, done: int, total: int, what: str) -> None:
        """`stage` is caffe, keras or compare, and `what` the layer at hand; or it is notice, and `what` a sentence."""


def silent(stage: str, done: int, total: int, what: str) -> None:
    """No progress at all."""
