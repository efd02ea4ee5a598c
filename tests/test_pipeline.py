"""The whole line on the small trained net, against its golden: a recording by the real Caffe."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness import pipeline
from harness.cases import read_case
from harness.data import Case, RecordedTop, Recording, Status, Tolerance
from harness.engines.reference import Reference
from harness.errors import CandidateError, RecordingError, UsageError, WeightsError
from harness.recording import load_top, read_recording

GOLDEN = Reference(engine="golden")


def compare(case: Case, **options: object) -> pipeline.ParityReport:
    return pipeline.compare(case, pipeline.Options(reference=GOLDEN, **options))  # type: ignore[arg-type]


def edited(digits: Path, old: str, new: str) -> Case:
    """The case with one thing changed in its Keras file."""
    file = digits / "keras_model.py"
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    return read_case(digits)


def statuses(report: pipeline.ParityReport) -> dict[str, str]:
    return {row.layer: row.status.value for row in report.layers}


def test_python_layers_that_stood_in_are_named() -> None:
    def top(layer: str, kind: str, python: bool) -> RecordedTop:
        return RecordedTop(layer, kind, layer, (1,), "0.npy", "0", python)

    tops = (top("conv", "Convolution", False), top("bn", "BN", True))
    assert pipeline._stand_ins(Recording(Path("x"), "docker", "caffe 1.0.0", tops[:1])) == ()
    assert pipeline._stand_ins(Recording(Path("x"), "docker", "caffe 1.0.0", tops)) == (
        "Caffe has no such type, so this layer is computed by a Python layer of the harness: bn (BN)",
    )
    both = (*tops, top("up", "Upsample", True), top("up", "Upsample", True))
    assert pipeline._stand_ins(Recording(Path("x"), "docker", "caffe 1.0.0", both)) == (
        "Caffe has no such type, so these layers are computed by a Python layer of the harness: bn (BN), up (Upsample)",
    )


def test_the_port_by_hand_computes_what_caffe_computed(models):
    report = compare(read_case(models / "digits_lenet"))
    assert report.passed
    assert set(statuses(report).values()) == {"match"}
    assert (report.compared, report.of) == (6, 6)
    assert report.folded == ("data", "drop1")
    assert report.reference["engine"] == "golden"
    assert report.reference["recorded_by"] == "docker"
    assert report.weights["kind"] == "trained"


def test_the_recorded_probabilities_are_those_of_sixteen_digits_read_right(models):
    """The golden is tied to the world: the net reads at least 15 of 16 digits as scikit-learn labels them."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.RandomState(0).permutation(len(digits.images))[:16]
    golden = read_recording(models.parent / "golden" / "digits_lenet")
    assert (load_top(golden, "prob").argmax(axis=1) == digits.target[order]).sum() >= 15


@pytest.mark.parametrize(
    ("old", "new", "layer", "status"),
    [
        ('50, 3, padding="same", activation="relu"', '50, 3, padding="same", activation="elu"', "conv2", "diverges"),
        ("MaxPooling2D(2, strides=2", "AveragePooling2D(2, strides=2", "pool2", "diverges"),
        ("layers.Dropout(0.5)", "layers.Rescaling(0.5)", "ip2", "diverges"),
    ],
)
def test_one_thing_wrong_is_found_at_its_own_layer_alone(digits, old, new, layer, status):
    report = compare(edited(digits, old, new))
    found = statuses(report)
    assert found.pop(layer) == status
    position = list(statuses(report)).index(layer)
    assert set(list(found.values())[:position]) <= {"match"}
    after = [row for row in report.layers[position + 1 :]]
    assert all(row.status is Status.INHERITED and row.inherited_from == layer for row in after)
    assert not report.passed


@pytest.mark.parametrize(
    ("old", "new", "layer"),
    [
        ("layers.ZeroPadding2D(7)", "layers.ZeroPadding2D(6)", "context/conv1"),
        ('"front__conv4", dilation_rate=2', '"front__conv4"', "front/conv4"),
        ('(x, 16, 3, "front__conv2")', '(x, 16, 3, "front__conv2", padding="same")', "front/conv2"),
    ],
)
def test_a_wrong_shape_is_found_at_its_own_layer_and_the_rest_is_still_judged(tmp_path, models, old, new, layer):
    folder = Path(shutil.copytree(models / "dilation_mini", tmp_path / "dilation_mini"))
    (folder / "case.toml").write_text(
        (folder / "case.toml").read_text().replace("../../inputs", str(models.parent / "inputs"))
    )
    report = compare(edited(folder, old, new))
    assert [row.layer for row in report.layers if row.status.fails] == [layer]
    assert report[layer].status is Status.SHAPE
    after = report.layers[[row.layer for row in report.layers].index(layer) + 1 :]
    assert {row.inherited_from for row in after} == {layer}
    assert all(row.isolated is not None for row in after)


def test_a_dense_layer_that_sees_another_size_inherits_it(digits):
    case = edited(digits, 'Conv2D(20, 5, padding="same", name="conv1")', 'Conv2D(20, 5, name="conv1")')
    report = compare(case)
    assert statuses(report) == {"conv1": "shape"} | dict.fromkeys(
        ["pool1", "conv2", "pool2", "ip1", "ip2"], "inherited"
    )
    assert "kernel is 200×100 in Caffe's weights and 50×100 in the Keras layer" in report.notes[0]


def test_a_model_that_cannot_be_built_as_it_is_is_not_recorded(digits, tmp_path):
    case = edited(digits, 'Conv2D(20, 5, padding="same", name="conv1")', 'Conv2D(20, 5, name="conv1")')
    with pytest.raises(WeightsError) as caught:
        pipeline.dump(case, Reference(engine="keras"), tmp_path / "keras")
    assert caught.value.layer == "ip1"
    assert "look for a size lost before it" in str(caught.value)


def test_an_activation_left_out_is_missing_and_its_neighbours_are_right(digits):
    report = compare(edited(digits, 'Dense(100, activation="relu", name="ip1")', 'Dense(100, name="ip1")'))
    assert statuses(report)["ip1"] == "match"
    assert statuses(report)["relu1"] == "missing"
    assert "no Keras layer is named 'relu1'" in (report["relu1"].note or "")
    assert not report.passed


def test_a_single_layer_is_compared_by_itself(models):
    report = compare(read_case(models / "digits_lenet"), layers=("conv2",), mode="isolated")
    assert list(statuses(report)) == ["conv2"]
    assert report["relu2"] is report["conv2"]
    assert report["conv2"].end_to_end is None
    assert (report.compared, report.of) == (1, 1)


def test_a_glob_that_finds_no_layer_is_refused(models):
    with pytest.raises(UsageError) as caught:
        compare(read_case(models / "digits_lenet"), layers=("conv9*",))
    assert "no layer is named 'conv9*'" in str(caught.value)
    assert "layers are conv1, pool1, conv2" in str(caught.value)


def test_strict_adjudicates_every_layer(models):
    report = compare(read_case(models / "digits_lenet"), strict=True)
    assert report.passed
    assert {row.judged_by for row in report.layers} == {"float64"}
    assert all(row.float64 is not None and row.float64.reference_sound for row in report.layers)


def test_end_to_end_alone_is_an_estimate(models):
    report = compare(read_case(models / "digits_lenet"), mode="end-to-end")
    assert report.passed
    assert {row.judged_by for row in report.layers} == {"estimate"}


def test_our_own_conversion_computes_it_too(models):
    report = compare(replace(read_case(models / "digits_lenet"), keras="auto"))
    assert report.passed
    assert report.candidate["source"] == "auto (converted by the harness)"


def test_names_with_a_slash_and_layers_without_names_are_mapped(models):
    report = compare(read_case(models / "dilation_mini"))
    assert report.passed
    assert report["front/pool1"].keras == ("max_pooling2d",)
    assert report["front/fc6"].keras == ("front__fc6",)
    assert report.folded == ("data", "front/drop6")


@pytest.mark.parametrize("what", ["prototxt", "weights", "input"])
def test_a_golden_of_something_else_is_stale(digits, what):
    case = read_case(digits)
    if what == "prototxt":
        case.prototxt.write_text(case.prototxt.read_text() + "\n")
    elif what == "weights":
        file = digits / "weights.caffemodel"
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    else:
        array = np.load(digits / "x.npy")
        array[3, 0, 4, 4] += 1
        np.save(digits / "x.npy", array)
    with pytest.raises(RecordingError) as caught:
        compare(case)
    assert "stale" in str(caught.value)
    assert "make goldens" in str(caught.value)


def test_a_port_that_flattens_in_caffes_order_is_given_its_kernel_so(digits):
    assert compare(edited(digits, "layers.Flatten()", "layers.Permute((3, 1, 2)), layers.Flatten()")).passed


def test_a_keras_layer_of_another_name_is_found_by_its_place(digits):
    case = edited(digits, 'name="conv2"', 'name="conv_2"')
    report = compare(case)
    assert report.passed
    assert report["conv2"].keras == ("conv_2",)
    assert report["conv2"].reason == "Conv2D at the same place in the graph"
    assert compare(replace(case, names={"conv2": "conv_2"}))["conv2"].reason == "named in the case"


def test_a_model_that_cannot_be_built_says_what_caffe_has_there(digits):
    case = edited(
        digits, 'Conv2D(50, 3, padding="same", activation="relu", name="conv2")', 'Conv2D(50, 9, name="conv2")'
    )
    with pytest.raises(CandidateError) as caught:
        compare(case)
    assert caught.value.layer == "conv2"
    assert "there Caffe makes 50×4×4 of 20×4×4 (channels×height×width)" in str(caught.value)


def test_nothing_is_compared_without_weights_for_every_layer(digits):
    text = (digits / "deploy.prototxt").read_text().replace('name: "ip2"', 'name: "ip_2"')
    (digits / "deploy.prototxt").write_text(text)
    with pytest.raises(WeightsError) as caught:
        compare(read_case(digits))
    assert "weights.caffemodel has no weights for it" in str(caught.value)
    assert "rename the layer" in str(caught.value)


def test_a_tolerance_set_by_hand_is_reported_as_one(digits):
    text = (digits / "case.toml").read_text() + '\n[tolerance."conv1"]\natol = 1e-12\n'
    (digits / "case.toml").write_text(text)
    report = compare(read_case(digits))
    assert report["conv1"].judged_by == "user"
    assert report["conv1"].status is Status.DIVERGES


def test_two_folders_are_compared_without_running_a_net(digits, tmp_path):
    case = read_case(digits)
    pipeline.dump(case, Reference(engine="keras"), tmp_path / "keras")
    golden = case.folder.parent / "caffe"
    pipeline.dump(case, GOLDEN, golden)
    with pytest.raises(UsageError, match="no rounding units"):
        pipeline.compare_folders(golden, tmp_path / "keras")
    report = pipeline.compare_folders(
        golden, tmp_path / "keras", prototxt=case.prototxt, caffemodel=digits / "weights.caffemodel"
    )
    # conv2, ip1 and ip2 have their activations fused in Keras, so they are compared behind them
    assert statuses(report) == dict.fromkeys(["conv1", "pool1", "relu2", "pool2", "relu1", "prob"], "match")
    assert report.folded == ("data", "conv2", "ip1", "drop1", "ip2")
    assert report.passed


def test_a_bare_folder_that_lacks_a_layer_does_not_pass(models, tmp_path):
    recording = read_recording(models.parent / "golden" / "digits_lenet")
    for layer in ("conv1", "pool1", "conv2", "relu2", "pool2", "ip1", "relu1", "ip2"):
        np.save(tmp_path / f"{layer}.npy", load_top(recording, layer))
    report = pipeline.compare_folders(recording.folder, tmp_path, tolerance=Tolerance(atol=1e-6))
    assert statuses(report).pop("prob") == "missing"
    assert [row.layer for row in report.layers if row.status.fails] == ["prob"]
    assert not report.passed


def unfinished(digits: Path) -> Case:
    """A port that ends behind pool2."""
    file = digits / "keras_model.py"
    text = file.read_text()
    begin, end = text.index("            layers.Flatten()"), text.index("        ],\n")
    file.write_text(text[:begin] + text[end:])
    return read_case(digits)


def test_an_unfinished_port_is_judged_up_to_where_it_was_said_to_go(digits):
    report = compare(unfinished(digits), until="pool2")
    assert report.passed
    assert list(statuses(report)) == ["conv1", "pool1", "conv2", "pool2"]
    assert (report.compared, report.of) == (4, 4)


def test_an_unfinished_port_fails_unless_it_was_said_to_be_one(digits):
    case = replace(unfinished(digits), keras_weights="own")
    found = statuses(compare(case))
    assert [found[name] for name in ("ip1", "relu1", "ip2", "prob")] == ["pending"] * 4
    with pytest.raises(WeightsError, match="--until LAYER judges an unfinished port"):
        compare(replace(case, keras_weights="converted"))


def with_preprocessing(folder: Path, body: str) -> Case:
    """dilation_mini, fed by a function of its own."""
    (folder / "feed.py").write_text(
        "import numpy as np\nfrom PIL import Image\n\n\n"
        "def load_input(path, size):\n"
        '    rgb = np.asarray(Image.open(path).convert("RGB"), np.float32)\n'
        "    top, left = (rgb.shape[0] - size[0]) // 2, (rgb.shape[1] - size[1]) // 2\n"
        "    rgb = rgb[top : top + size[0], left : left + size[1]]\n"
        f"    return {body}\n"
    )
    text = (folder / "case.toml").read_text()
    (folder / "case.toml").write_text(text + 'preprocess = "feed.py:load_input"\n')
    return read_case(folder)


@pytest.mark.parametrize(
    ("body", "status", "codes"),
    [
        ("rgb[:, :, ::-1] - np.array([102.93, 111.36, 116.52])", "match", []),
        ("rgb - np.array([102.93, 111.36, 116.52])", "diverges", ["input.channel_order"]),
        ("rgb[:, :, ::-1]", "diverges", ["input.mean"]),
        ("rgb[:, :, ::-1] - np.array([102.93, 111.36, 116.62])", "diverges", ["input.mean"]),
        ("rgb[1:, :, ::-1] - np.array([102.93, 111.36, 116.52])", "shape", []),
    ],
)
def test_the_ports_own_preprocessing_is_the_first_row(tmp_path, models, body, status, codes):
    folder = Path(shutil.copytree(models / "dilation_mini", tmp_path / "dilation_mini"))
    text = (folder / "case.toml").read_text()
    (folder / "case.toml").write_text(text.replace("../../inputs", str(models.parent / "inputs")))
    report = compare(with_preprocessing(folder, body))
    assert statuses(report)["data"] == status
    assert [cause.code for cause in report["data"].causes] == codes
    others = [row for row in report.layers if row.layer != "data"]
    if status == "match":
        assert report.passed
    else:
        assert {row.status.value for row in others} == {"inherited"}
        assert {row.inherited_from for row in others} == {"data"}


def test_a_saved_model_keeps_its_own_weights(digits, tmp_path):
    """They are under test: a saved model with one weight changed must not be filled with the right ones."""
    import keras

    from harness.caffe import load_weights, read_network
    from harness.convert.save import save_model

    case = read_case(digits)
    save_model(read_network(case.prototxt), load_weights(digits / "weights.caffemodel"), digits / "net.keras")
    saved = replace(case, keras="net.keras")
    assert compare(saved).passed
    model = keras.models.load_model(digits / "net.keras")
    kernel, bias = model.get_layer("ip2").get_weights()
    kernel[17, 3] += 0.01
    model.get_layer("ip2").set_weights([kernel, bias])
    model.save(digits / "net.keras")
    assert [row.layer for row in compare(saved).layers if row.status.fails] == ["ip2"]
