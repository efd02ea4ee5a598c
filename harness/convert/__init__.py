"""A Caffe net as Keras: the plan of its layers, its source text, the live model, its weights."""
