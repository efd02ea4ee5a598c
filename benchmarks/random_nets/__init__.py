"""Nets nobody wrote: random layers of every type, converted, run in the real Caffe, and compared layer by layer."""
