"""Every pen: what it writes, that it is the same every time, and that nothing in a diagram escapes into
markup.
"""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing import ENDINGS, draw, palette, raster
from learningdiagrams.drawing.dot import dot
from learningdiagrams.drawing.html import html
from learningdiagrams.drawing.mermaid import mermaid
from learningdiagrams.drawing.palette import DARK, LIGHT, LINES, band
from learningdiagrams.drawing.scene import picture_of
from learningdiagrams.drawing.svg import svg
from learningdiagrams.drawing.tables import html_table
from learningdiagrams.drawing.tikz import tikz
from learningdiagrams.errors import DiagramError
from tests.diagrams import diagrams
from tests.drawing.cases import TEXTS, case

SVG = "{http://www.w3.org/2000/svg}"
EVIL = '</script><script>alert("x")</script>&<b>'
drawn = pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is not installed")


def hostile() -> Diagram:
    d = case("distillation")
    d.name = EVIL
    for name in ("Image", "teacher", "hard"):
        d.style(name, label=EVIL)
    return d


def groups(text: str) -> dict[tuple[str, str], ElementTree.Element]:
    root = ElementTree.fromstring(text)
    return {(g.get("data-kind", ""), g.get("data-name", "")): g for g in root.iter(f"{SVG}g")}


@pytest.mark.parametrize("name", TEXTS)
def test_svg_shows_everything(name: str):
    diagram = case(name)
    found = groups(draw(diagram) or "")
    for kind, names in (
        ("arrow", diagram.generators),
        ("object", diagram.sorts),
        ("goal", diagram.goals),
        ("law", diagram.laws),
        ("measure-row", diagram.measures),
        ("goal-row", diagram.goals),
        ("legend", set(diagram.roles.values())),
    ):
        assert {own for k, own in found if k == kind} >= set(names), kind
    texts = {"".join(g.itertext()) for g in found.values()}
    assert any(diagram.name in text for text in texts)


def test_equations_stand_below_with_comparator_and_weight():
    row = "".join(groups(draw(case("distillation")) or "")["goal-row", "soft"].itertext())
    assert "pixels ≫ student ≈ pixels ≫ teacher" in row
    assert "by kl(temperature=4)" in row and "weight 0.7" in row


def test_residuals_are_numbers_and_colours():
    found = groups(draw(case("distillation"), residuals={"hard": 0.0312, "soft": 4.0}) or "")
    for name, number, colour in (("hard", "0.0312", "f-band2"), ("soft", "4", "f-band4")):
        badge = found["goal", name]
        assert number in "".join(badge.itertext())
        rect = badge.find(f"{SVG}rect")
        assert rect is not None and colour in rect.get("class", "")
    assert ("legend", "residual") in found
    assert ("legend", "residual") not in groups(draw(case("distillation")) or "")


def test_roles_differ_by_more_than_colour():
    looks = [(line.width, line.dash, line.bar, line.wavy) for role, line in LINES.items() if role != "wire"]
    assert len(set(looks)) == len(looks)


def contrast(one: str, two: str) -> float:
    """The contrast of two colours, by WCAG 2.1's definition."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("table", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(table: dict[str, str]):
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert set(LIGHT) == set(DARK)
    for text in ("ink", "muted", "data", "noise", "model", "frozen", "fixed", "ema", "map"):
        assert contrast(table[text], table["ground"]) >= 4.5, text
    for ground in ("goal", "law", "panel", "sample", *(f"band{i}" for i in range(5))):
        assert contrast(table["badge"], table[ground]) >= 4.5, ground


def test_bands_grow_with_residuals():
    assert [band(x) for x in (0.0, 0.005, 0.05, 0.5, 5.0)] == [f"band{i}" for i in range(5)]
    assert len(palette.BANDS) == 5


def test_light_and_dark():
    diagram = case("cycle")
    auto, dark = draw(diagram) or "", draw(diagram, dark=True) or ""
    assert "prefers-color-scheme:dark" in auto and LIGHT["ground"] in auto and DARK["ground"] in auto
    assert DARK["ground"] in dark and LIGHT["ground"] not in dark and "prefers-color-scheme" not in dark
    assert LIGHT["ground"] in svg(picture_of(diagram), False)


@given(diagrams())
@settings(max_examples=40)
def test_every_text_pen_takes_every_diagram(diagram: Diagram):
    residuals = {name: 0.5 for name in (*diagram.goals, *diagram.laws)}
    ElementTree.fromstring(svg(picture_of(diagram, residuals)))
    for pen in (tikz, dot, mermaid, html):
        text = pen(diagram, residuals)
        assert text == pen(diagram, residuals)
        text.encode()
    assert dot(diagram).count("{") - dot(diagram).count("}") in range(-3, 4)


def test_nothing_escapes_into_markup():
    diagram = hostile()
    for text in (html(diagram), html_table(diagram), draw(diagram) or ""):
        assert "<b>" not in text and "<script>alert" not in text and 'alert("x")</script>' not in text
    ElementTree.fromstring(draw(diagram) or "")

    class Scripts(HTMLParser):
        found = 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found += tag == "script"

    parser = Scripts()
    parser.feed(html(diagram))
    assert parser.found == 2


def test_html_is_self_contained_and_lights_up_paths():
    text = html(case("captioning"))
    assert not re.search(r'(src|href)="', text)
    data = re.search(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    parts = json.loads(data.group(1))["say"]
    assert {"arrow:photo", "arrow:decoder", "arrow:next", "object:Features * Tokens"} <= set(parts)
    drawn_groups = {f"{k}:{n}" for k, n in re.findall(r'data-kind="(\w+)" data-name="([^"]*)"', text)}
    assert set(parts) <= drawn_groups
    assert '<tr data-name="say">' in text


def test_tikz_has_every_arrow_with_its_role():
    text = tikz(case("siamese"))
    assert text.count("\\arrow[") == 6
    for name, role in (("photo", "mapsto"), ("far", "squiggly"), ("encoder", "very thick"), ("crop", "dotted")):
        row = next(part for part in text.split("\\arrow[") if f"\\mathrm{{{name}}}" in part)
        assert role in row
    assert "\\mathrm{photo} \\gg \\mathrm{encoder} \\approx \\mathrm{far}" in text


def test_labels_of_ones_own_are_latex_where_they_are_whole():
    d = Diagram()
    A, B = d.objects("A", "B")
    d.map("f", A, B)
    d.map("g_1", A, B)
    d.style("f", label=r"\sigma_{0}")
    d.style("g_1", label=r"\broken{")
    text = tikz(d)
    assert r'"{\sigma_{0}}"' in text
    assert r"\broken{" not in text.replace(r"\textbackslash{}broken\{", "")


@pytest.mark.skipif(which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("name", TEXTS)
def test_tikz_compiles(name: str, tmp_path: Path):
    draw(case(name), tmp_path / "x.tex", residuals={"hard": 0.1})
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "x.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-1500:]


@pytest.mark.skipif(which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("name", [*TEXTS, "hostile"])
def test_dot_is_read_by_graphviz(name: str):
    text = dot(hostile() if name == "hostile" else case(name))
    run = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=False)
    assert run.returncode == 0 and not run.stderr, run.stderr


def test_mermaid_quotes_what_it_would_read():
    text = mermaid(hostile())
    assert '"x"' not in text and "<script>" not in text
    assert text.startswith("flowchart LR\n") and text.count("linkStyle") == 4


@pytest.mark.parametrize("ending", ENDINGS)
def test_files_are_the_same_every_time(ending: str, tmp_path: Path):
    if ending in raster.ENDINGS and not raster.available():
        pytest.skip("matplotlib is not installed")
    for name in ("a", "b"):
        assert draw(case("siamese"), tmp_path / f"{name}{ending}", residuals={"same": 0.02}) is None
    first = (tmp_path / f"a{ending}").read_bytes()
    assert first == (tmp_path / f"b{ending}").read_bytes() and len(first) > 400


def test_the_same_bytes_in_another_process():
    code = (
        "from tests.drawing.cases import case; from learningdiagrams.drawing import draw;"
        "import hashlib; print(hashlib.sha256(draw(case('cycle')).encode()).hexdigest())"
    )
    root = Path(__file__).resolve().parents[2]
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=root, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


@drawn
def test_png_and_pdf_are_what_they_say(tmp_path: Path):
    draw(case("siamese"), tmp_path / "a.png", dark=True)
    draw(case("siamese"), tmp_path / "a.pdf")
    assert (tmp_path / "a.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (tmp_path / "a.pdf").read_bytes()[:5] == b"%PDF-"


def test_png_without_matplotlib_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(raster, "available", lambda: False)
    with pytest.raises(DiagramError, match=r"pip install 'learningdiagrams\[draw\]'"):
        draw(case("cycle"), tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.bmp", "a"])
def test_other_endings_are_errors(name: str, tmp_path: Path):
    with pytest.raises(DiagramError, match=r"is none of \.svg, \.png, \.pdf, \.tex, \.dot, \.mmd, \.html"):
        draw(case("cycle"), tmp_path / name)


def test_notebooks_show_tables_and_pictures():
    diagram = case("distillation")
    assert (diagram._repr_svg_() or "").startswith("<svg")
    table = diagram._repr_html_()
    for words in ("pixels ≫ student ≈ label", "kl(temperature=4)", "frozen", "Image[64]"):
        assert words in table
    assert html_table(Diagram()) and (draw(Diagram()) or "").startswith("<svg")
