"""What Caffe builds of prototxts: run in the image with its Python; texts come in as JSON, descriptions go out as JSON.

No net is run, so nothing but its learned blobs takes memory, one net after the other.
"""

import json
import os
import sys
import tempfile

import caffe


def describe(path):
    """Layer types, blob shapes and the shapes of what each layer learns, by name."""
    net = caffe.Net(path, caffe.TEST)
    return {
        "types": {name: layer.type for name, layer in zip(net._layer_names, net.layers)},  # noqa: B905
        "blobs": {name: list(blob.shape) for name, blob in net.blobs.items()},
        "learned": {name: [list(blob.shape) for blob in blobs] for name, blobs in net.params.items()},
    }


def main():
    asked = json.load(sys.stdin)
    folder = tempfile.mkdtemp()
    sys.path.insert(0, folder)
    for name, text in asked["modules"].items():
        with open(os.path.join(folder, name + ".py"), "w", encoding="utf-8") as file:
            file.write(text)
    for name, text in asked["nets"].items():
        print(name, file=sys.stderr, flush=True)  # the last one named is the one that Caffe died of
        path = os.path.join(folder, "deploy.prototxt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        print(json.dumps({"name": name, **describe(path)}), flush=True)


main()
