"""The nets: a folder for each, with its deploy.prototxt and one or more ports that equal it."""
