"""The candidate: a Keras model, run segment by segment through Keras' public API.

The model is traced once: each call of each of its layers is recorded (`trace`), nested models, models written as classes
and layers that are called twice included. The calls are cut at the layers that have a counterpart. Each segment runs
eagerly (`segment`); an activation is freed at its last use. A model with every layer as an output would take many times
as long and keep everything in memory.
"""

from __future__ import annotations

from harness.engines.keras.candidate import Candidate, version, wrap_model
from harness.engines.keras.functions import call_function
from harness.engines.keras.opening import is_saved_model, open_model
from harness.engines.keras.segment import Segment

__all__ = ["Candidate", "Segment", "call_function", "is_saved_model", "open_model", "version", "wrap_model"]
