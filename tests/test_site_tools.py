"""What the site makes itself: pages of notebooks, the contents, docstrings as Markdown."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("griffe")
yaml = pytest.importorskip("yaml")

from tools.docstrings import markdown  # noqa: E402  # it imports griffe
from tools.site import SiteError, build, staged  # noqa: E402  # it imports yaml

CONFIGURATION = """
site_name: small
plugins: [search, {mkdocstrings: {handlers: {python: {paths: [.], options: {extensions: [tools/docstrings.py]}}}}}]
use_directory_urls: false
nav: [{Start: index.md}, {Tutorials: tutorials.md}, {How to: how-to/}, {About: [{Changes: changelog.md}]}]
"""


def cell(kind: str, source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": kind, "source": [source], "outputs": list(outputs), "metadata": {}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small tree: two pages, a notebook, what else is read."""
    root = tmp_path / "root"
    for name, text in {
        "mkdocs.yml": CONFIGURATION,
        "docs/index.md": "# Start\n\n[contributing](contributing.md)\n",
        "docs/tutorials.md": "# Tutorials\n\n",
        "CONTRIBUTING.md": "# Contributing\n\n[start](docs/index.md)\n",
        "CHANGELOG.md": "# Changes\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    data = {"image/svg+xml": ["<svg/>"], "text/plain": ["<a & b>"]}
    cells = [
        cell("markdown", "# A life\n\nof a diagram"),
        cell("code", "print(1)", {"output_type": "stream", "text": ["1\n", "\x1b[1m2\x1b[0m\n"]}),
        cell("code", "d", {"output_type": "execute_result", "data": data}),
        cell("code", "p", {"output_type": "display_data", "data": {"image/png": base64.b64encode(b"png").decode()}}),
        cell("code", "t", {"output_type": "execute_result", "data": {"text/html": "<table>\n\n\n</table>"}}),
        cell("code", "f", {"output_type": "execute_result", "data": {"text/plain": "```\nx\n```"}}),
        cell("code", "  "),
    ]
    (root / "notebooks").mkdir()
    (root / "notebooks" / "life.ipynb").write_text(json.dumps({"cells": cells}))
    return root


def test_a_notebook_becomes_a_page(root: Path, tmp_path: Path):
    staged(tmp_path / "stage", root)
    folder = tmp_path / "stage" / "docs" / "tutorials"
    assert (folder / "life.md").read_text().split("\n\n") == [
        "# A life",
        "of a diagram",
        "```python\nprint(1)\n```",
        "```text\n1\n2\n```",
        "```python\nd\n```",
        "![&lt;a &amp; b&gt;](life-2-0.svg)",
        "```python\np\n```",
        "![a picture](life-3-0.png)",
        "```python\nt\n```",
        '<div class="shown">\n<table>\n</table>\n</div>',
        "```python\nf\n```",
        "````text\n```\nx\n```\n````\n",
    ]
    assert (folder / "life-2-0.svg").read_text() == "<svg/>" and (folder / "life-3-0.png").read_bytes() == b"png"
    assert "- [A life](tutorials/life.md)" in (folder.parent / "tutorials.md").read_text()


def contents(root: Path, stage: Path) -> list[Any]:
    staged(stage, root)
    return yaml.safe_load((stage / "mkdocs.yml").read_text())["nav"]


def test_the_contents_name_what_there_is(root: Path, tmp_path: Path):
    tutorials = {"Tutorials": ["tutorials.md", {"A life": "tutorials/life.md"}]}
    about = {"About": [{"Changes": "changelog.md"}]}
    assert contents(root, tmp_path / "one") == [{"Start": "index.md"}, tutorials, about]
    (root / "docs" / "how-to").mkdir()
    for name, title in (("b", "First"), ("index", "How to"), ("a", "Second")):
        (root / "docs" / "how-to" / f"{name}.md").write_text(f"# {title}\n")
    listed = ["how-to/index.md", {"First": "how-to/b.md"}, {"Second": "how-to/a.md"}]
    assert contents(root, tmp_path / "two") == [{"Start": "index.md"}, tutorials, {"How to": listed}, about]


def test_links_of_the_root_lead_to_pages(root: Path, tmp_path: Path):
    staged(tmp_path / "stage", root)
    assert "[start](index.md)" in (tmp_path / "stage" / "docs" / "contributing.md").read_text()


def test_a_link_that_leads_nowhere_is_an_error(root: Path, tmp_path: Path):
    pytest.importorskip("zensical")
    (root / "docs" / "index.md").write_text("# Start\n\n[gone](gone.md)\n")
    with pytest.raises(SiteError, match="page does not exist"):
        build(tmp_path / "site", root)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Plain.", "Plain."),
        ("A :class:`Goal`.", "A `Goal`."),
        ("That `t\n    >> u` composes.\n\n>>> t >> u\nv", "That `t >> u` composes.\n\n```pycon\n>>> t >> u\nv\n```"),
        (":mod:`~a.b`", '<autoref optional identifier="a.b"><code>b</code></autoref>'),
        (">>> f(\n...     1)\n2\n\nText", "```pycon\n>>> f(\n...     1)\n2\n```\n\nText"),
        ("Text\n\n    >>> 1\n    1", "Text\n\n    ```pycon\n    >>> 1\n    1\n    ```"),
    ],
)
def test_docstrings(text: str, made: str):
    assert markdown(text) == made
