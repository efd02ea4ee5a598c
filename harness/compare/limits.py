"""The limits of the first stage. They decide only what is looked at again in float64, never what is right.

Real Caffe against TensorFlow: 92 small layers (tests/layers/test_against_caffe.py holds them), DilatedNet at 900×900
(`make demo`); the figures stand in docs/verdicts.md.
"""

MAX_UNITS = 8.0
"""Largest error of a single element, in rounding units."""

RMS_UNITS = 0.5
"""Root mean square of the errors, in rounding units."""

RELATIVE = 1e-4
"""Root mean square error of a channel over the root mean square of the channel itself, whatever the units say."""

ACCUMULATED_REL = 1e-5
"""End to end, without an isolated run: error over the largest value, for each layer on the way. An estimate, and said to
be one; DilatedNet's 28 layers show 1e-6 for each."""

SYSTEMATIC_UNITS = 0.25
"""Share of a channel's error that is an affine function of the reference, rms in rounding units."""
