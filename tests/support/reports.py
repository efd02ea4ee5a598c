"""Made-up reports for the tests of the formats. The layers are those of dilation8; the figures are invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.data import Cause, LayerComparison, Metrics, OutputComparison, ParityReport, Status, Worst

HOSTILE = 'a</script><script>alert("1")</script>\x1b[2J\n| `b` |\u202egnp.exe'

# name, output shape, fused layer
LAYERS: tuple[tuple[str, tuple[int, int, int], str | None], ...] = (
    ("conv1_1", (64, 898, 898), "relu1_1"),
    ("conv1_2", (64, 896, 896), "relu1_2"),
    ("pool1", (64, 448, 448), None),
    ("conv2_1", (128, 446, 446), "relu2_1"),
    ("conv2_2", (128, 444, 444), "relu2_2"),
    ("pool2", (128, 222, 222), None),
    ("conv3_1", (256, 220, 220), "relu3_1"),
    ("conv3_2", (256, 218, 218), "relu3_2"),
    ("conv3_3", (256, 216, 216), "relu3_3"),
    ("pool3", (256, 108, 108), None),
    ("conv4_1", (512, 106, 106), "relu4_1"),
    ("conv4_2", (512, 104, 104), "relu4_2"),
    ("conv4_3", (512, 102, 102), "relu4_3"),
    ("conv5_1", (512, 98, 98), "relu5_1"),
    ("conv5_2", (512, 94, 94), "relu5_2"),
    ("conv5_3", (512, 90, 90), "relu5_3"),
    ("fc6", (4096, 66, 66), "relu6"),
    ("fc7", (4096, 66, 66), "relu7"),
    ("fc-final", (21, 66, 66), None),
    ("ct_conv1_1", (42, 130, 130), "ct_relu1_1"),
    ("ct_conv1_2", (42, 128, 128), "ct_relu1_2"),
    ("ct_conv2_1", (84, 124, 124), "ct_relu2_1"),
    ("ct_conv3_1", (168, 116, 116), "ct_relu3_1"),
    ("ct_conv4_1", (336, 100, 100), "ct_relu4_1"),
    ("ct_conv5_1", (672, 68, 68), "ct_relu5_1"),
    ("ct_fc1", (672, 66, 66), "ct_fc1_relu"),
    ("ct_final", (21, 66, 66), None),
    ("prob", (21, 66, 66), None),
)
KERAS_NAMES = {"pool1": "max_pooling2d", "pool2": "max_pooling2d_1", "pool3": "max_pooling2d_2", "prob": "softmax"}


def metrics(units: float | None, total: int = 1000, **changes: Any) -> Metrics:
    """An error of so many units; None is agreement to the bit, as exact kinds have it."""
    if units is None:
        return Metrics(None, None, 0.0, 0.0, 1.0, 0.0, None, 0, total)
    size = units * 2.4e-5
    sample = Metrics(
        max_units=units,
        rms_units=units / 14,
        max_abs=size,
        max_rel=size / 680,
        slope=1.0,
        intercept=0.0,
        worst=Worst((0, 17, 44, 2), 1.25, 1.25 + size),
        mismatched=0,
        total=total,
    )
    return replace(sample, **changes)


def row(number: int) -> LayerComparison:
    """A matching row of dilation8."""
    name, shape, fused = LAYERS[number]
    exact = name.startswith("pool")
    units = None if exact else 0.9 + (number * 7 % 13) / 10
    total = shape[0] * shape[1] * shape[2]
    return LayerComparison(
        layer=name,
        type="Pooling" if exact else "Softmax" if name == "prob" else "Convolution",
        top=name,
        keras=(KERAS_NAMES.get(name, name),),
        caffe=(name, fused) if fused else (name,),
        status=Status.MATCH,
        judged_by="exact" if exact else "rounding",
        reference_shape=(1, *shape),
        candidate_shape=(1, *shape),
        isolated=metrics(units, total),
        end_to_end=metrics(1.2 * (number + 1) ** 0.5, total),
        reason="equal weights" if fused else "order in the graph",
    )


def rows() -> dict[str, LayerComparison]:
    """Every row of dilation8, all matching."""
    return {name: row(number) for number, (name, _, _) in enumerate(LAYERS)}


def report(layers: Sequence[LayerComparison], **changes: Any) -> ParityReport:
    """A report of these rows."""
    sample = ParityReport(
        case="dilation8_pascal_voc",
        command="harness run dilation8_pascal_voc",
        reference={"engine": "docker", "version": "caffe 1.0.0", "image": "sha256:" + "3f" * 32, "cached_seconds": 250},
        candidate={"engine": "keras", "version": "keras 3.12 (tensorflow 2.21)", "source": "keras_model.py"},
        weights={"kind": "trained", "sha256": "ab" * 32},
        input={"name": "cat.png", "sha256": "cd" * 32, "shape": [1, 3, 900, 900]},
        environment={
            "harness": "0.1.0",
            "os": "Linux 6.1",
            "cpu": "x86_64 avx512f",
            "onednn": True,
            "threads": 2,
            "git": "9c1e2d7",
            "date": "2026-01-31T12:00:00+00:00",
            "limit_units": 8,
        },
        layers=tuple(layers),
        outputs=(OutputComparison("prob", 3.1e-06, 1.0, False),),
        folded=("data", "drop6", "drop7"),
        of=len(layers),
    )
    return replace(sample, **changes)


def passing(**changes: Any) -> ParityReport:
    """Every layer matches."""
    return report(list(rows().values()), **changes)


def failing(**changes: Any) -> ParityReport:
    """conv5_3 has the wrong shape, ct_conv3_1 the wrong values; what follows either inherits."""
    layers = rows()
    names = list(layers)
    for name in names[names.index("conv5_3") :]:
        total = layers[name].isolated.total  # type: ignore[union-attr]
        layers[name] = replace(
            layers[name],
            status=Status.INHERITED,
            inherited_from="conv5_3" if names.index(name) < names.index("ct_conv3_1") else "ct_conv3_1",
            end_to_end=metrics(84000.0 + 1000 * names.index(name), total, mismatched=total // 3),
        )
    layers["conv5_3"] = replace(
        layers["conv5_3"],
        status=Status.SHAPE,
        inherited_from=None,
        isolated=None,
        end_to_end=None,
        candidate_shape=(1, 512, 94, 94),
        causes=(
            Cause(
                code="padding.amount",
                summary="Keras pads 2 on each side; Caffe pads 0.",
                evidence="Cropping Keras' output by 2 on each side makes it equal to Caffe's.",
                fix='padding="same" → padding="valid"',
                proven=True,
                before=None,
                after=4.0e-05,
                source="keras_model.py:41",
            ),
        ),
    )
    total = 168 * 116 * 116
    layers["ct_conv3_1"] = replace(
        layers["ct_conv3_1"],
        status=Status.DIVERGES,
        inherited_from=None,
        judged_by="float64",
        isolated=metrics(
            84210.0, total, max_abs=0.31, mismatched=1130304, slope=0.71, worst=Worst((0, 3, 57, 2), 1.2, 0.89)
        ),
        causes=(
            Cause(
                code="weights.spatial_transpose",
                summary="Kernel height and width are swapped in all 168 filters.",
                evidence="The transposed kernels equal Caffe's to the bit.",
                fix="kernel.transpose(2, 3, 1, 0), not (3, 2, 1, 0)",
                proven=True,
                before=0.31,
                after=2.9e-05,
                source="keras_model.py:58",
            ),
            Cause("dilation", "The dilation may be lost.", "The error grows with the distance.", "dilation_rate=4"),
        ),
    )
    return report(
        list(layers.values()),
        **{"outputs": (OutputComparison("prob", 0.42, 0.8134, False),), **changes},
    )


def hostile() -> ParityReport:
    """A failing report whose every name wants to break out of where it is shown."""
    name = HOSTILE
    cause = Cause("padding.amount", name, name, name, True, 1.0, 0.5, name)
    bad = replace(
        row(0),
        layer=name,
        type=name,
        top=name,
        keras=(name,),
        caffe=(name, f"{name}2"),
        status=Status.DIVERGES,
        causes=(cause,),
        note=name,
        reason=name,
    )
    heir = replace(row(1), layer=f"{name}3", status=Status.INHERITED, inherited_from=name)
    return report(
        [bad, heir],
        case=name,
        command=name,
        reference={"engine": name, "version": name},
        candidate={"engine": name, "version": name, "source": name},
        input={"name": name, "sha256": name, "shape": [1, 3, 9, 9]},
        environment={name: name},
        outputs=(OutputComparison(name, 1.0, None, True),),
        folded=(name,),
        notes=(name,),
    )
