"""The limits of the first stage. They decide only what is looked at again in float64, never what is right.

`make limits` prints what they are chosen from: the figures of layers that are right, and those of small errors. What can pass
all the same, and why that is harmless, stands in docs/verdicts.md.
"""

MAX_UNITS = 8.0
"""Largest error of a single element, in rounding units."""

RMS_UNITS = 0.5
"""Root mean square of the errors, in rounding units."""

CHANNEL_RMS_UNITS = 1.0
"""The same of one channel: among 512 right ones it would not be noticed."""

SYSTEMATIC_UNITS = 0.25
"""Share of a channel's error that is an affine function of the reference, rms in rounding units."""

RELATIVE = 1e-4
"""Root mean square error of a channel over the root mean square of the channel itself, whatever the units say."""

QUICK = 10_000_000
"""Multiplications up to which a layer whose channels have few sites is looked at in float64 whatever its figures: about
15 ms."""

ACCUMULATED_REL = 1e-5
"""End to end, without an isolated run: error over the largest value, for each layer on the way. An estimate, and said to
be one; DilatedNet's 28 layers show 1e-6 for each."""

GROWTH = 8.0
"""How many times larger an end-to-end error may become over a few layers by rounding alone."""

LEAST_REL = 2.0**-21
"""End-to-end error over the largest value that a single layer may show by rounding alone: eight units in the last place."""
