"""Porting bugs put into Keras ports that equal Caffe: is each found, at its layer, and called by its name?"""
