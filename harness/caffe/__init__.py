"""Caffe's files: a prototxt becomes a Network, a caffemodel becomes Weights, and the other way round."""

from harness.caffe.caffemodel import load_weights, read_caffemodel, write_caffemodel
from harness.caffe.network import read_network
from harness.caffe.sharing import share_blobs

__all__ = ["load_weights", "read_caffemodel", "read_network", "share_blobs", "write_caffemodel"]
