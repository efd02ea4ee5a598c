# -*- coding: utf-8 -*-
# ruff: noqa: B904, UP004, UP009, UP010, UP020, UP024, UP031
# (this file runs on Python 2.7 as well, hence its old ways)
"""Records every layer of a Caffe net: one float32 .npy per layer and top, and a manifest.

Runs by itself where Caffe is, with NumPy and the standard library only, on Python 2.7 and on Python 3:

    python dump.py --prototxt deploy.prototxt --caffemodel net.caffemodel --input data=input.npy --out recording

A net with layer types that only a fork of Caffe has comes as a list of its layers as well (--net, written by the
harness). What this Caffe lacks is then computed by the Python layers in `layers`, beside this file; what it has, it
computes itself. --python-layers is a folder of the user's own.

The net is stepped one layer at a time and each layer's tops are written out of Caffe's memory as it ends, beside the
layer that follows; one that works in place (a ReLU over its convolution) waits for that. The manifest comes last, in
one move: a folder with `manifest.json` is whole, one with `manifest.json.partial` is not.

Standard output has lines for a program to follow: `@harness stage NAME`, `@harness memory BYTES` (an estimate) and
`@harness layer NUMBER COUNT NAME`. Exit status: 0 done; 3 cannot be done, 4 no space left (one line on standard
error, `harness-dump: …`); a check inside Caffe ends the process with Caffe's own message (SIGABRT).
"""

from __future__ import print_function

import argparse
import collections
import errno
import hashlib
import io
import json
import os
import platform
import re
import struct
import sys
import tempfile
import threading
import time

SCHEMA = "harness-recording/1"
NET_SCHEMA = "harness-net/1"
MODULE = "harness_layer_"  # and the name of a file in `layers`: what a prototxt calls a Python layer of ours
MANIFEST = "manifest.json"
PARTIAL = "manifest.json.partial"
SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
DEVICES = frozenset(["CON", "PRN", "AUX", "NUL"] + [n + d for n in ("COM", "LPT") for d in "0123456789"])
LONGEST = 150  # bytes of a file name before the number and the suffix are added


class Refused(Exception):
    """What was asked for cannot be done; the message is for the user."""


# ------------------------------------------------------------------------------------------------- file names


def escape_name(name):
    """Any name as a file name, percent-encoded; a long one is cut and ends in a digest of the whole."""
    return _shorten(_escape(name), name)


def file_name(number, position, layer, top):
    """`0007-conv2_1.npy`. The number makes it unique, on file systems that ignore case as well."""
    stem = _escape(layer) if layer == top else _escape(layer) + "-" + _escape(top)
    prefix = "%04d" % number if position == 0 else "%04d.%d" % (number, position)
    return "%s-%s.npy" % (prefix, _shorten(stem, layer + "\n" + top))


def _escape(name):
    data = bytearray(name.encode("utf-8"))
    last = len(data) - 1
    text = "".join(
        chr(byte) if chr(byte) in SAFE or (byte == 0x2E and 0 < place < last) else "%%%02X" % byte
        for place, byte in enumerate(data)
    )
    if text.split(".")[0].upper() in DEVICES:
        text = "%%%02X%s" % (ord(text[0]), text[1:])
    return text or "%"


def _shorten(text, name):
    if len(text) <= LONGEST:
        return text
    head = text[: LONGEST - 17]
    if "%" in head[-2:]:
        head = head[: head.rindex("%")]
    return head + "-" + hashlib.sha256(name.encode("utf-8")).hexdigest()[:16]


# ---------------------------------------------------------------------------------------------------- writing


class Beside(threading.Thread):
    """A call that goes on beside what its maker does next.

    Caffe holds Python's lock while it computes, so the call must let go of it soon and do the rest in one piece, as
    hashing and writing a large array do.
    """

    def __init__(self, call, *arguments):
        threading.Thread.__init__(self)
        self.daemon = True
        self.call = call
        self.arguments = arguments
        self.error = None
        self.begun = threading.Event()
        self.start()
        self.begun.wait()

    def run(self):
        self.begun.set()
        try:
            self.call(*self.arguments)
        except Exception as error:
            self.error = error

    def wait(self):
        """Waits for its end. Raises what it raised."""
        self.join()
        if self.error is not None:
            raise self.error


class Writer(object):
    """Hashes and writes tops out of Caffe's own memory, the last one beside the layer that runs next."""

    def __init__(self, folder):
        self.folder = folder
        self.entries = []
        self.written = {}  # sha256 -> file; equal files are kept once
        self.last = None

    def add(self, entry, array):
        """Begins to write one top and puts its line into the manifest. The array may not change before `finish`."""
        self.finish()
        header = npy_header(array)
        data = array.reshape(-1).view("u1") if array.size else b""
        digest = hashlib.sha256(header)
        stream = io.open(os.path.join(self.folder, entry["file"]), "wb", buffering=0)  # noqa: SIM115 (closed in finish)
        _write_all(stream, header)
        self.last = entry, digest, stream, Beside(digest.update, data), Beside(_write_all, stream, data)
        self.entries.append(entry)

    def finish(self):
        """Waits until the last top is written."""
        if self.last is None:
            return
        entry, digest, stream, hashing, writing = self.last
        self.last = None
        hashing.wait()
        writing.wait()
        stream.close()
        entry["sha256"] = digest.hexdigest()
        known = self.written.setdefault(entry["sha256"], entry["file"])
        if known != entry["file"]:
            os.remove(os.path.join(self.folder, entry["file"]))
            entry["file"] = known


def npy_header(array):
    """The bytes that stand before a C-ordered array's data in an .npy file."""
    import numpy as np

    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
    header = stream.getvalue()
    if header.startswith(np.lib.format.MAGIC_PREFIX):
        return header
    return np.lib.format.magic(1, 0) + header  # NumPy 1.8 and older left the magic to the caller


def _write_all(stream, data):
    view = memoryview(data)
    while len(view):
        view = view[stream.write(view) :]


def write_manifest(folder, manifest):
    """Puts the manifest into its place in one move."""
    partial = os.path.join(folder, PARTIAL)
    with io.open(partial, "wb") as stream:
        stream.write(json.dumps(manifest, indent=1, sort_keys=True).encode("ascii"))
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(partial, os.path.join(folder, MANIFEST))


def file_sha256(path):
    """The digest of a file's bytes."""
    digest = hashlib.sha256()
    with io.open(path, "rb", buffering=0) as stream:
        for chunk in iter(lambda: stream.read(4 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


# ------------------------------------------------------------------------------------------------ the layers


class Net(object):
    """What Caffe is given, and what the manifest says of its layers."""

    def __init__(self, text=None):
        self.text = text  # None: the prototxt as it is
        self.types = {}  # layer → its type in the prototxt, where another stands in for it
        self.modules = {}  # layer → the Python layer of ours that computes it


def choose_layers(described, known):
    """The net for a Caffe that has the layer types `known` (None: that cannot be told, so it has them all).

    Raises:
        Refused: a type is lacking, and so is what would stand in for it.
    """
    if described.get("schema") != NET_SCHEMA:
        raise Refused("--net is no %s" % NET_SCHEMA)
    net = Net(described["head"])
    for layer in described["layers"]:
        if known is None or layer["type"] in known or "instead" not in layer:
            net.text += layer["text"]
            continue
        if layer["needs"] not in known:
            raise Refused(
                "layer %r: this Caffe has neither the type %s nor the type %s, which could stand in for it"
                % (str(layer["name"]), layer["type"], layer["needs"])
            )
        net.text += layer["instead"]
        net.types[layer["name"]] = layer["type"]
        if "python" in layer:
            net.modules[layer["name"]] = layer["python"]
    return net


def bring_layers(modules):
    """Imports Python layers of ours, under names that leave their own to the user's modules."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers")
    for module in sorted(set(modules)):
        if not re.match("^[a-z_]+$", module) or not os.path.isfile(os.path.join(folder, module + ".py")):
            raise Refused("there is no Python layer %s" % os.path.join(folder, str(module) + ".py"))
        theirs = sys.modules.pop(module, None)
        sys.path.insert(0, folder)
        try:
            __import__(module)
        finally:
            sys.path.remove(folder)
        sys.modules[MODULE + module] = sys.modules.pop(module)
        if theirs is not None:
            sys.modules[module] = theirs


# ------------------------------------------------------------------------------------------------- caffemodel


def weighted_layers(path):
    """The names of the layers with blobs in a caffemodel, or None where that cannot be told.

    Walks over the messages' lengths without reading the blobs. Caffe leaves the fillers' values in a layer that the
    file lacks, and says nothing.

    Raises:
        Refused: the file is truncated or is no caffemodel.
    """
    size = os.path.getsize(path)
    names = set()
    with io.open(path, "rb") as stream:
        if stream.read(8) == b"\x89HDF\r\n\x1a\n":
            return None
        stream.seek(0)
        try:
            for number, end in _fields(stream, size):
                if number not in (2, 100):  # `layers` of old files, `layer`
                    continue
                name, blobs = _name_and_blobs(stream, end, 1 if number == 100 else 4, 7 if number == 100 else 6)
                if name is None:
                    return None  # the oldest format keeps the name one level deeper
                if blobs:
                    names.add(name)
        except (ValueError, UnicodeDecodeError):
            raise Refused("%s is truncated or is no caffemodel (%d bytes)" % (path, size))
    return names


def _name_and_blobs(stream, end, name_field, blobs_field):
    name, blobs = None, False
    for number, field_end in _fields(stream, end):
        if number == name_field:
            name = stream.read(field_end - stream.tell()).decode("utf-8")
        blobs = blobs or number == blobs_field
    return name, blobs


def _fields(stream, end):
    """Each field's number and end; the stream stands at the value, and is moved to its end afterwards."""
    while stream.tell() < end:
        tag = _varint(stream)
        kind = tag & 7
        if kind == 0:
            _varint(stream)
            value_end = stream.tell()
        elif kind in (1, 5):
            value_end = stream.tell() + (8 if kind == 1 else 4)
        elif kind == 2:
            length = _varint(stream)
            value_end = stream.tell() + length
        else:
            raise ValueError("wire type")
        if value_end > end or tag >> 3 == 0:
            raise ValueError("length")
        yield tag >> 3, value_end
        stream.seek(value_end)


def _varint(stream):
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            raise ValueError("end of file")
        (number,) = struct.unpack("B", byte)
        value |= (number & 0x7F) << shift
        if number < 0x80:
            return value
    raise ValueError("varint")


# ------------------------------------------------------------------------------------------------------- net


def text(name):
    """A name from Caffe as text; Python 2 gives bytes."""
    return name.decode("utf-8") if isinstance(name, bytes) else name


class Step(object):
    """One layer of the net as Caffe runs it."""

    def __init__(self, index, name, kind, bottoms, tops):
        self.index = index
        self.name = name
        self.kind = kind
        self.bottoms = bottoms
        self.tops = tops
        self.inserted = False


def steps_of(net):
    """The layers in the order of execution; those that Caffe put in itself to fan a blob out are marked."""
    blobs = [text(name) for name in net._blob_names]
    steps = []
    # blob → (layer, which of its tops) as of now; Caffe before 1.0 has no layer for the net's inputs
    writer = dict((text(name), ("input", position)) for position, name in enumerate(net.inputs))
    for index, name in enumerate(net._layer_names):
        bottoms = [blobs[i] for i in net._bottom_ids(index)]
        tops = [blobs[i] for i in net._top_ids(index)]
        step = Step(index, text(name), text(net.layers[index].type), bottoms, tops)
        if step.kind == "Split" and len(bottoms) == 1:
            step.inserted = step.name == "%s_%s_%d_split" % ((bottoms[0],) + writer[bottoms[0]])
        for position, top in enumerate(tops):
            writer[top] = (step.name, position)
        steps.append(step)
    names = collections.Counter(step.name for step in steps)
    twice = sorted(name for name in names if names[name] > 1)
    if twice:
        raise Refused("two layers have the name %r; a recording needs every layer to have its own" % twice[0])
    return steps


def memory_estimate(net, steps):
    """Bytes that a forward pass takes: blobs, weights, and each convolution's own im2col buffer."""
    data = dict((text(name), blob) for name, blob in net.blobs.items())
    params = dict((text(name), blobs) for name, blobs in net.params.items())
    total = 300 << 20  # the process with its libraries
    total += 4 * sum(data[top].count for top in set(t for s in steps if not s.inserted for t in s.tops))
    total += 4 * sum(blob.count for blobs in params.values() for blob in blobs)
    for step in steps:
        if step.kind in ("Convolution", "Deconvolution") and step.name in params and step.bottoms:
            kernel = list(params[step.name][0].shape)[2:]
            area = 1
            for edge in kernel:
                area *= edge
            wide, fine = data[step.bottoms[0]], data[step.tops[0]]
            if step.kind == "Deconvolution":
                wide, fine = fine, wide
            if area > 1:
                total += 4 * area * wide.shape[1] * (fine.count // max(1, fine.shape[0] * fine.shape[1]))
    return total


def feed(net, inputs):
    """Puts the arrays into the net's inputs and gives the whole net their shapes.

    Raises:
        Refused: an input that the net does not have, one that is missing, or one of another rank.
    """
    import numpy as np

    declared = [text(name) for name in net.inputs]
    missing = [name for name in declared if name not in inputs]
    unknown = sorted(name for name in inputs if name not in declared)
    if unknown:
        raise Refused("the net has no input %r; it has %s" % (str(unknown[0]), ", ".join(declared) or "none"))
    if missing:
        raise Refused("the net's input %r was not given; pass --input %s=FILE.npy" % (str(missing[0]), missing[0]))
    arrays = {}
    for name in declared:
        try:
            array = np.load(inputs[name], allow_pickle=False)
        except (IOError, OSError, ValueError) as error:
            raise Refused("input %s: %s is no readable .npy file (%s)" % (name, inputs[name], error))
        if array.dtype.kind not in "fiu":
            raise Refused("input %s holds %s, not numbers" % (name, array.dtype))
        shape = tuple(net.blobs[name].shape)
        if len(array.shape) != len(shape):
            raise Refused("input %s has shape %s; the net declares %s" % (name, _shape(array.shape), _shape(shape)))
        arrays[name] = np.ascontiguousarray(array, dtype=np.float32)
    changed = False
    for name in declared:
        if tuple(net.blobs[name].shape) != arrays[name].shape:
            net.blobs[name].reshape(*arrays[name].shape)
            changed = True
    if changed:
        net.reshape()
    for name in declared:
        net.blobs[name].data[...] = arrays[name]


def _shape(shape):
    return "x".join(str(edge) for edge in shape) or "()"


def record(net, folder, about):
    """Steps the net and writes every layer's tops; the manifest's lines, in the order of execution."""
    import numpy as np

    steps = steps_of(net)
    say("memory %d" % memory_estimate(net, steps))
    counted = [step for step in steps if not step.inserted]
    writer = Writer(folder)
    produced = set(top for step in steps for top in step.tops)
    loose = [text(name) for name in net.inputs if text(name) not in produced]

    def keep(number, name, kind, tops, seconds):
        for position, top in enumerate(tops):
            array = np.ascontiguousarray(net.blobs[top].data, dtype="<f4").reshape(net.blobs[top].data.shape)
            entry = {
                "layer": name,
                "type": about.types.get(name, kind),
                "top": top,
                "shape": [int(edge) for edge in array.shape],
                "file": file_name(number, position, name, top),
                "seconds": round(seconds, 6) if position == 0 else 0.0,
            }
            if name in about.modules:
                entry["python"] = True
            writer.add(entry, array)

    if loose:  # Caffe before 1.0 has inputs that no layer makes; 1.0 calls the layer it makes of them "input"
        keep(0, "input", "Input", loose, 0.0)
    number = 0
    for step in steps:
        if not step.inserted:
            number += 1
            say("layer %d %d %s" % (number, len(counted), " ".join(step.name.split())))
        if set(step.tops) & set(step.bottoms):  # it writes over what is being written
            writer.finish()
        begin = time.time()
        net._forward(step.index, step.index)
        if not step.inserted:
            keep(number, step.name, step.kind, step.tops, time.time() - begin)
    writer.finish()
    return writer.entries


# ------------------------------------------------------------------------------------------------ the process


def say(line):
    """One line for the program that follows this one."""
    os.write(1, ("@harness %s\n" % line).encode("utf-8"))


def blas_libraries():
    """The file names of the BLAS libraries that are loaded."""
    try:
        with io.open("/proc/self/maps", encoding="utf-8", errors="replace") as stream:
            files = set(os.path.basename(line.split()[-1]) for line in stream if "/" in line)
    except (IOError, OSError):
        return []
    return sorted(name for name in files if re.match(r"lib(openblas|mkl|atlas|tatlas|satlas|c?blas|blis)", name))


def peak_bytes():
    """The largest resident size so far, or None."""
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def end_with_stdin():
    """Ends this process when the one that started it is gone, however that died."""

    def watch():
        while os.read(0, 4096):
            pass
        os._exit(5)

    thread = threading.Thread(target=watch)
    thread.daemon = True
    thread.start()


def usable_cpus():
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        import multiprocessing

        return multiprocessing.cpu_count()


def known_types():
    """The layer types that this Caffe has, or None where it cannot say."""
    import caffe

    listed = getattr(caffe, "layer_type_list", None)
    return None if listed is None else set(text(name) for name in listed())


class Heard(object):
    """Standard error, and what was said on it: Caffe prints why it cannot make a Python layer, and throws it away."""

    def __init__(self, stream):
        self.stream = stream
        self.words = []

    def write(self, words):
        """Passes it on and keeps it."""
        self.words.append(words)
        self.stream.write(words)

    def flush(self):
        """As a stream has it."""
        self.stream.flush()

    def last_line(self):
        """A traceback's sentence."""
        lines = [line for line in "".join(self.words).splitlines() if line.strip()]
        return lines[-1] if lines else "it does not say why"


def build_net(prototxt, about):
    """The net in its test phase.

    Raises:
        Refused: a Python layer cannot be imported.
    """
    import caffe

    written = None
    sys.stderr = heard = Heard(sys.stderr)
    if about.text is not None:
        handle, written = tempfile.mkstemp(".prototxt")
        with io.open(handle, "wb") as stream:
            stream.write(about.text.encode("utf-8"))
    try:
        return caffe.Net(str(written or prototxt), caffe.TEST)
    except (ImportError, SystemError) as error:
        why = heard.last_line() if isinstance(error, SystemError) else error
        raise Refused("a Python layer cannot be made (%s); --python-layers DIR gives the folder of its module" % why)
    finally:
        sys.stderr = heard.stream
        if written is not None:
            os.remove(written)


def lacking_layers(net, names):
    """Layers with a blob that a caffemodel with these layers does not fill.

    A layer that the file lacks may share its blobs (`param { name }`) with one that it has: they are the same memory.
    """

    def places(blobs):
        return set(blob.data.ctypes.data for blob in blobs)

    missing = [text(name) for name in net.params if text(name) not in names]
    if not missing:
        return missing
    params = dict((text(name), blobs) for name, blobs in net.params.items())
    filled = set(place for name in params if name in names for place in places(params[name]))
    return [name for name in missing if not places(params[name]) <= filled]


def load_net(prototxt, caffemodel, about):
    """The net in its test phase, with its weights.

    Raises:
        Refused: a layer with weights that the caffemodel lacks, or a truncated caffemodel.
    """
    import caffe

    caffe.set_mode_cpu()
    say("stage net")
    net = build_net(prototxt, about)
    if caffemodel is not None:
        say("stage weights")
        names = weighted_layers(caffemodel)
        lacking = [] if names is None else lacking_layers(net, names)
        if lacking:
            shown = ", ".join(lacking[:5]) + (" and %d more" % (len(lacking) - 5) if len(lacking) > 5 else "")
            raise Refused("the caffemodel has no weights for %s; Caffe would leave them unset and not say so" % shown)
        net.copy_from(str(caffemodel))
    return net


def run(options):
    """All of it.

    Raises:
        Refused: what was asked for cannot be done.
    """
    inputs = collections.OrderedDict()
    for item in options.input:
        name, equals, path = item.partition("=")
        if not equals or not name or name in inputs:
            raise Refused("--input takes NAME=FILE.npy, once per name; got %r" % item)
        inputs[text(name)] = path
    if options.caffemodel is None and not options.no_weights:
        raise Refused("no --caffemodel; with --no-weights the fillers of the prototxt are taken")
    files = [("prototxt", options.prototxt), ("caffemodel", options.caffemodel), ("net", options.net)]
    for what, path in files + list(inputs.items()):
        if path is not None and not os.path.isfile(path):
            raise Refused("%s: there is no file %s" % (what, path))
    if options.python_layers is not None and not os.path.isdir(options.python_layers):
        raise Refused("python-layers: there is no folder %s" % options.python_layers)
    if options.threads:
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = str(options.threads)
    os.environ.setdefault("GLOG_minloglevel", "2")
    begin_folder(options.out)

    say("stage caffe")
    try:
        import caffe
        import numpy as np
    except ImportError as error:
        raise Refused("this Python (%s) cannot import caffe: %s" % (sys.executable, error))

    digests = {"prototxt": file_sha256(options.prototxt), "dump": file_sha256(os.path.abspath(__file__))}
    if options.caffemodel is not None:
        digests["weights"] = file_sha256(options.caffemodel)
    for name in inputs:
        digests["input:" + name] = file_sha256(inputs[name])

    if options.python_layers is not None:
        sys.path.insert(0, os.path.abspath(options.python_layers))
    about = Net()
    if options.net is not None:
        with io.open(options.net, encoding="utf-8") as stream:
            about = choose_layers(json.load(stream), known_types())
        bring_layers(about.modules.values())
    net = load_net(options.prototxt, options.caffemodel, about)
    say("stage inputs")
    feed(net, inputs)
    say("stage forward")
    entries = record(net, options.out, about)
    write_manifest(
        options.out,
        {
            "schema": SCHEMA,
            "engine": {
                "name": options.engine,
                "version": "caffe %s" % getattr(caffe, "__version__", "unknown"),
                "image": options.image,
                "python": platform.python_version(),
                "numpy": np.__version__,
                "blas": blas_libraries(),
                "threads": options.threads or usable_cpus(),
                "machine": platform.machine(),
            },
            "digests": digests,
            "seconds": round(sum(entry["seconds"] for entry in entries), 6),
            "peak_bytes": peak_bytes(),
            "tops": entries,
        },
    )


def begin_folder(folder):
    """Makes the folder and marks it as unfinished.

    Raises:
        Refused: a folder that holds something already.
    """
    if not os.path.isdir(folder):
        os.makedirs(folder)
    if os.listdir(folder):
        raise Refused("%s is not empty" % folder)
    io.open(os.path.join(folder, PARTIAL), "wb").close()


def main(arguments=None):
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--prototxt", required=True, metavar="FILE")
    parser.add_argument("--net", metavar="FILE", help="the same net in layers, where Caffe may lack types of it")
    parser.add_argument("--python-layers", metavar="DIR", help="a folder with Python layers that the net names")
    parser.add_argument("--caffemodel", metavar="FILE")
    parser.add_argument("--no-weights", action="store_true", help="take the fillers of the prototxt")
    parser.add_argument("--input", action="append", default=[], metavar="NAME=FILE.npy")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--threads", type=int, metavar="N")
    parser.add_argument("--engine", default="native", help="a name for the manifest")
    parser.add_argument("--image", help="the image's digest, for the manifest")
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when standard input is closed")
    options = parser.parse_args(arguments)
    if options.end_with_stdin:
        end_with_stdin()
    try:
        run(options)
    except Refused as error:
        return fail(str(error), 3)
    except MemoryError:
        return fail("out of memory", 137)
    except EnvironmentError as error:
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            return fail("no space left in %s" % options.out, 4)
        return fail(str(error), 3)
    except Exception as error:  # Caffe throws what it does not abort on
        return fail("%s: %s" % (type(error).__name__, error), 3)
    return 0


def fail(message, status):
    """Says why on one line."""
    sys.stderr.write("harness-dump: %s\n" % " ".join(message.split()))
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # Caffe's and OpenBLAS' destructors take a second and can crash
