"""Proves, layer by layer, that a Keras port computes what the Caffe original computes."""
