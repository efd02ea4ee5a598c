"""The JSON report is a contract: its schema holds, and what is written comes back."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import jsonschema
import pytest
from support import reports as samples

from harness.data import Adjudication
from harness.errors import FormatError, UsageError
from harness.report.json import SCHEMA_FILE, load, render, to_json

SCHEMA = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
ADJUDICATED = replace(
    samples.row(0),
    judged_by="float64",
    sampled=4096,
    float64=Adjudication(3e-15, 0.2, 0.1, agrees=True, reference_sound=True, sampled=4096),
)
INFINITE = replace(
    samples.row(0), isolated=samples.metrics(1.0, max_units=math.inf, max_abs=math.nan, intercept=-math.inf)
)
REPORTS = {
    "passing": samples.passing(),
    "failing": samples.failing(mode="isolated", notes=("a note",)),
    "hostile": samples.hostile(),
    "empty": samples.report([]),
    "adjudicated": samples.report([ADJUDICATED]),
    "infinite": samples.report([INFINITE]),
}


def loaded(text, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(text, encoding="utf-8")
    return load(path)


def changed(tmp_path, change):
    value = to_json(samples.failing())
    change(value)
    return loaded(json.dumps(value), tmp_path)


@pytest.mark.parametrize("name", REPORTS)
def test_the_schema_holds(name):
    SCHEMA.validate(json.loads(render(REPORTS[name])))


@pytest.mark.parametrize("name", REPORTS)
def test_what_is_written_comes_back(name, tmp_path):
    text = render(REPORTS[name])
    assert render(loaded(text, tmp_path)) == text


def test_what_comes_back_is_equal(tmp_path):
    assert loaded(render(samples.failing()), tmp_path) == samples.failing()


def test_the_schema_itself_is_sound():
    SCHEMA.check_schema(SCHEMA.schema)


@pytest.mark.parametrize("path", ["case", "coverage/compared", "outputs/0/top", "layers/3/status", "weights/kind"])
def test_the_schema_refuses_a_renamed_key(path):
    value = to_json(samples.passing())
    *way, key = path.split("/")
    place = value
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    place[f"{key}_renamed"] = place.pop(key)
    with pytest.raises(jsonschema.ValidationError, match=f"'{key}' is a required property"):
        SCHEMA.validate(value)


def test_the_schema_lets_a_key_be_added():
    SCHEMA.validate({**to_json(samples.passing()), "later": 1})


def test_the_schema_refuses_a_cause_at_a_layer_that_matches():
    value = to_json(samples.passing())
    value["layers"][0]["causes"] = to_json(samples.failing())["layers"][15]["causes"]
    assert not SCHEMA.is_valid(value)


def test_the_keys_of_the_contract():
    row = to_json(samples.failing())["layers"][22]
    assert (row["layer"], row["status"], row["judged_by"]) == ("ct_conv3_1", "diverges", "float64")
    assert row["caffe"] == ["ct_conv3_1", "ct_relu3_1"]
    assert row["isolated"]["max_units"] == 84210.0
    assert row["isolated"]["worst"] == {"index": [0, 3, 57, 2], "reference": 1.2, "candidate": 0.89}
    assert row["causes"][0]["code"] == "weights.spatial_transpose"
    assert to_json(samples.passing())["coverage"] == {"compared": 28, "of": 28, "folded": ["data", "drop6", "drop7"]}


def test_infinity_and_nan_are_strings():
    def refuse(constant):
        raise AssertionError(constant)

    metrics = json.loads(render(REPORTS["infinite"]), parse_constant=refuse)["layers"][0]["isolated"]
    assert (metrics["max_units"], metrics["max_abs"], metrics["intercept"]) == ("Infinity", "NaN", "-Infinity")


def test_numpy_values_are_plain_ones():
    import numpy as np

    report = samples.report(
        [replace(samples.row(0), isolated=samples.metrics(1.0, max_abs=np.float32(0.5), total=np.int64(3)))],
        environment={"threads": np.int64(2), "sizes": np.arange(2), "bad": float("nan")},
    )
    value = json.loads(render(report))
    assert value["environment"] == {"threads": 2, "sizes": [0, 1], "bad": "NaN"}
    assert value["layers"][0]["isolated"]["total"] == 3


def test_the_text_cannot_end_a_script_element():
    assert not set("<>&") & set(render(samples.hostile()))


def test_half_a_surrogate_pair_is_still_utf_8(tmp_path):
    report = samples.passing(case="a\udcff")
    assert loaded(render(report), tmp_path).case == "a\udcff"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda r: r.update(schema="harness-report/2"),
            'expected schema "harness-report/1", found "harness-report/2" @ $.schema',
        ),
        (lambda r: r.pop("layers"), '"layers" is missing @ $'),
        (lambda r: r["layers"][3].pop("type"), '"type" is missing @ $.layers[3]'),
        (lambda r: r["layers"][3].update(layer=7), "expected a string, found 7 @ $.layers[3].layer"),
        (
            lambda r: r["layers"][3]["isolated"].update(max_abs="small"),
            'expected a number, found "small" @ $.layers[3].isolated.max_abs',
        ),
        (
            lambda r: r["layers"][3].update(status="fine"),
            "expected one of match, inherited, diverges, shape, missing, nonfinite, pending, consistent, "
            'found "fine" @ $.layers[3].status',
        ),
        (lambda r: r.update(passed=True), "expected false, as the layers say, found true @ $.passed"),
        (
            lambda r: r["coverage"].update(compared=99),
            "expected 28, as the layers say, found 99 @ $.coverage.compared",
        ),
        (lambda r: r.update(layers={}), "expected a list, found {} @ $.layers"),
        (lambda r: r["coverage"].update(of=True), "expected an integer, found true @ $.coverage.of"),
        (lambda r: r.update(weights=[]), "expected an object, found [] @ $.weights"),
    ],
)
def test_a_bad_value_has_an_address(change, message, tmp_path):
    with pytest.raises(FormatError) as caught:
        changed(tmp_path, change)
    assert caught.value.message == message
    assert caught.value.fix == "name a report.json that this version of `harness run` wrote, or run the case again"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a JSON report: Expecting property name enclosed in double quotes"),
        ("[NaN]", "not a JSON report: NaN is not JSON"),
        ("[]", "expected an object, found [] @ $"),
        ("[" * 100_000, "not a JSON report"),
    ],
)
def test_what_is_no_report_is_refused(text, message, tmp_path):
    with pytest.raises(FormatError) as caught:
        loaded(text, tmp_path)
    assert caught.value.message.startswith(message)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"\xff\xfe")
    with pytest.raises(FormatError, match="not UTF-8"):
        load(tmp_path / "x")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="the report cannot be read: No such file or directory"):
        load(tmp_path / "none.json")
