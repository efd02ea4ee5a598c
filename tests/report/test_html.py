"""The HTML page: one file, no network, nothing of the report is markup."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from support import reports as samples

from harness.data import Picture, Status
from harness.report import json as json_format
from harness.report.html import TEMPLATES, render, render_many

VOID = {"meta", "img", "input", "br", "link"}


class Page(HTMLParser):
    """The elements of a page, each as (tag, attributes), the text of each, and whether the tags are balanced."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.open, self.unbalanced = [], {}, [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.elements[self.open.pop()][0] != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        for element in self.open:
            self.texts.setdefault(element, []).append(data)

    def all(self, tag, **attributes):
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            (attrs, " ".join("".join(self.texts.get(place, ())).split()))
            for place, (name, attrs) in enumerate(self.elements)
            if name == tag and all(attrs.get(key) == value for key, value in wanted.items())
        ]

    @property
    def ids(self):
        return [attrs["id"] for _, attrs in self.elements if "id" in attrs]


FAILING, PASSING = render(samples.failing()), render(samples.passing())


def test_the_verdict_stands_first():
    page = Page(FAILING)
    assert page.all("h1")[0][1] == "✗ PARITY FAILED dilation8_pascal_voc"
    assert page.all("p", class_="sentence")[0][1] == (
        "2 of 28 layers compute something else; final labels agree on 81.3 %."
    )
    badges = [text for attrs, text in page.all("li") if attrs.get("class", "").startswith("badge")]
    assert badges == ["REAL CAFFE", "TRAINED weights", "tolerances set by hand: 0"]


def test_a_card_for_each_layer_to_fix():
    cards = [text for _, text in Page(FAILING).all("li", class_="card")]
    assert cards[1] == (
        "ct_conv3_1 ✗ DIVERGES weights.spatial_transpose PROVEN "
        "Kernel height and width are swapped in all 168 filters. The transposed kernels equal Caffe's to the bit. "
        "Fix: kernel.transpose(2, 3, 1, 0), not (3, 2, 1, 0) "
        "then max|Δ| 3.1e-01 → 2.9e-05 keras_model.py:58 "
        "or dilation The dilation may be lost. "
        "harness compare dilation8_pascal_voc --layer ct_conv3_1Copy"
    )
    assert len(cards) == 2


def test_a_passing_page_says_what_was_checked():
    page = Page(PASSING)
    checked = [text for _, text in page.all("dd")][:4]
    assert checked == ["28 of 283 folded into neighbours", "2.1 units of 8conv4_2", "100 % agree", "0"]
    assert not page.all("li", class_="card")


def test_a_row_for_each_layer_and_an_anchor_for_each_name():
    page = Page(FAILING)
    names = {name for name, _, _ in samples.LAYERS} | {fused for _, _, fused in samples.LAYERS if fused}
    assert {f"layer-{name}" for name in names} <= set(page.ids)
    assert len(page.all("tbody")) == 28


def test_every_link_within_the_page_leads_somewhere():
    for text in (FAILING, PASSING, render_many([samples.failing(), samples.passing()]), render(samples.hostile())):
        page = Page(text)
        targets = {attrs["href"].removeprefix("#") for attrs, _ in page.all("a")}
        assert targets <= set(page.ids)
        assert len(page.ids) == len(set(page.ids))


def test_the_strip_has_a_cell_per_layer_and_the_limit():
    page = Page(FAILING)
    cells = [attrs for attrs, _ in page.all("a") if attrs.get("class", "").startswith("cell")]
    assert [cell["href"] for cell in cells] == [f"#layer-{name}" for name, _, _ in samples.LAYERS]
    assert cells[22]["aria-label"] == ("ct_conv3_1: ✗ DIVERGES; own max|Δ| 3.1e-01 (84,210 units), end to end 2.5e+00")
    assert page.all("text", class_="limit-text")[0][1] == "limit 8"
    assert [text for _, text in page.all("text", class_="culprit")] == ["✗ conv5_3", "✗ ct_conv3_1"]


def test_a_bar_is_as_high_as_the_logarithm_of_its_error():
    rows = [replace(samples.row(0), layer=str(power), isolated=samples.metrics(10.0**power)) for power in range(4)]
    bars = Page(render(samples.report([replace(row, end_to_end=None) for row in rows]))).all("rect", class_="own")
    heights = [float(attrs["height"]) for attrs, _ in bars]
    assert np.allclose(np.diff(heights), heights[-1] / 5, atol=0.2)


@pytest.mark.parametrize("amount", [1, 2, 300])
def test_nets_of_every_depth_have_a_strip(amount):
    rows = [replace(samples.row(0), layer=f"l{number}", caffe=(f"l{number}",)) for number in range(amount)]
    assert render(samples.report(rows)).count('<rect class="own"') == amount


def test_many_culprits_do_not_write_over_each_other():
    rows = [replace(samples.row(0), layer=f"layer_{number}", caffe=(), status=Status.DIVERGES) for number in range(40)]
    labels = [attrs for attrs, _ in Page(render(samples.report(rows))).all("text", class_="culprit")]
    places = sorted((float(attrs["y"]), float(attrs["x"])) for attrs in labels)
    assert 3 <= len(labels) < 40
    assert all(x2 - x1 > 50 for (y1, x1), (y2, x2) in itertools.pairwise(places) if y1 == y2)


def test_the_page_carries_its_report_to_the_byte():
    embedded = re.search(r'<script type="application/json" id="report">(.*?)</script>', FAILING, re.DOTALL)[1]
    assert embedded == json_format.render(samples.failing())
    digest = hashlib.sha256(embedded.encode()).hexdigest()
    assert ("code", f"sha256 {digest}") in [(tag, attrs.get("title")) for tag, attrs in Page(FAILING).elements]


@pytest.mark.parametrize("text", [FAILING, PASSING, render(samples.hostile())], ids=["failing", "passing", "hostile"])
def test_nothing_is_fetched(text):
    for tag, attrs in Page(text).elements:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in ("src", "href", "action", "srcset", "data"):
            assert attrs.get(name, "#").startswith(("#", "data:image/png;base64,"))
    assert not re.search(r"url\((?!#)|@import", (TEMPLATES / "style.css").read_text())


def test_the_browser_is_told_to_run_only_our_script():
    policy = Page(FAILING).all("meta", http_equiv=None)
    (content,) = [attrs["content"] for attrs, _ in policy if attrs.get("http-equiv") == "Content-Security-Policy"]
    script = re.search(r"<script>(.*?)</script>", FAILING, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert content.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}'" in content


def test_hostile_names_stay_text():
    text = render(samples.hostile())
    page = Page(text)
    assert [attrs for attrs, _ in page.all("script")] == [{"type": "application/json", "id": "report"}, {}]
    assert page.unbalanced == []
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", _visible(text))
    assert page.all("a", href=f"#{page.all('tbody')[0][0]['id']}")
    assert json.loads(page.all("script", id="report")[0][1].replace("\n", " "))["case"] == samples.HOSTILE
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)


def _visible(text):
    """All but our own style and script."""
    return re.sub(r"<style>.*?</style>|<script>.*?</script>", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("text", [FAILING, PASSING, render(samples.report([]))], ids=["failing", "passing", "empty"])
def test_the_tags_are_balanced(text):
    page = Page(text)
    assert page.unbalanced == []
    assert page.open == []


def test_pictures_are_part_of_the_page():
    labels = np.zeros((66, 66, 3), np.uint8)
    photograph = np.random.default_rng(0).integers(0, 256, (660, 600, 3), np.uint8)
    report = samples.passing(pictures=(Picture("Input", photograph), Picture("<Caffe's labels>", labels)))
    (photo, _), (small, _) = Page(render(report)).all("img")
    assert photo["src"].startswith("data:image/png;base64,")
    assert (photo["alt"], photo["height"], photo.get("class")) == ("Input", "640", None)
    assert (small["alt"], small["height"], small["class"]) == ("<Caffe's labels>", "66", "pixelated")


def test_several_reports_have_a_list_on_top():
    page = Page(render_many([samples.failing(case="first"), samples.passing(case="second")]))
    assert page.all("h1")[0][1] == "1 of 2 cases pass"
    listed = [attrs["href"] for attrs, text in page.all("a") if text.startswith(("✓", "✗ PARITY"))]
    assert listed == ["#r1-top", "#r2-top"]
    assert [attrs["id"] for attrs, _ in page.all("script", type="application/json")] == ["report-1", "report-2"]


def test_the_page_works_by_keyboard_and_ear():
    page = Page(FAILING)
    for attrs, text in page.all("button"):
        assert text or attrs.get("aria-label")
    assert [attrs["scope"] for attrs, _ in page.all("th")][:10] == ["col"] * 10
    assert len(page.all("summary")) == 28
    assert page.all("html")[0][0]["lang"] == "en"


def colours():
    style = (TEMPLATES / "style.css").read_text()
    found = re.findall(r"--(\w[\w-]*): light-dark\((#\w+), (#\w+)\)", style)
    return {name: (light, dark) for name, light, dark in found}


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "grounds"),
    [
        ("ink", ("page", "sheet", "well", "good-tint", "bad-tint")),
        ("quiet", ("page", "sheet", "well", "bad-tint")),
        ("good", ("page", "sheet", "good-tint")),
        ("bad", ("page", "sheet", "bad-tint", "well")),
        ("care", ("page", "sheet", "well")),
        ("link", ("page", "sheet", "well", "bad-tint")),
    ],
)
def test_text_stands_out_as_wcag_aa_asks(text, grounds, theme):
    for ground in grounds:
        light, dark = sorted((luminance(colours()[name][theme]) for name in (text, ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{text} on {ground}"
