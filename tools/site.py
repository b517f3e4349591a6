"""Builds the documentation site: `python -m tools.site` (or `make docs`) writes it into site/.

zensical makes pages of Markdown. What is Markdown nowhere is made so first, in a folder of its own: notebooks become
pages with what they printed, the how-to pages and notebooks that there are go into the contents, and CONTRIBUTING.md
and CHANGELOG.md get a place among the pages.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
LONGEST: Final = 12_000
"""Letters of one output beyond which a page shows its beginning only."""


class SiteError(Exception):
    """What zensical says is wrong with the pages."""


def build(site: Path, root: Path = ROOT) -> None:
    """Builds the site; raises :class:`SiteError` where a link leads nowhere or a page is wrong."""
    with TemporaryDirectory() as folder:
        stage = Path(folder)
        staged(stage, root)
        command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
        done = subprocess.run(command, cwd=stage, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = re.sub("\x1b\\[[0-9;]*m", "", done.stdout)
        # What griffe finds wrong with a docstring is said and does not count for zensical.
        if done.returncode or "griffe: " in said:
            raise SiteError(said.partition("Traceback")[0])
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(stage / "site", site)


def staged(stage: Path, root: Path = ROOT) -> None:
    """Writes the pages, and the contents that name them all, into a folder."""
    pages = stage / "docs"
    shutil.copytree(root / "docs", pages)
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        text = (root / name).read_text(encoding="utf-8")
        (pages / name.lower()).write_text(text.replace("](docs/", "]("), encoding="utf-8")
    # Links to files of the repository that are no pages have nowhere to lead on the site.
    tutorials = [_notebook(path, pages / "tutorials") for path in sorted((root / "notebooks").glob("*.ipynb"))]
    with (pages / "tutorials.md").open("a", encoding="utf-8") as index:
        index.writelines(f"- [{title(page)}](tutorials/{page.name})\n" for page in tutorials)
    configuration = yaml.safe_load((root / "mkdocs.yml").read_text(encoding="utf-8"))
    configuration["nav"] = [_listed(entry, pages, tutorials) for entry in configuration["nav"]]
    configuration["nav"] = [entry for entry in configuration["nav"] if entry is not None]
    python = configuration["plugins"][1]["mkdocstrings"]["handlers"]["python"]
    python["paths"] = [str(root)]
    python["options"]["extensions"] = [str(root / name) for name in python["options"]["extensions"]]
    (stage / "mkdocs.yml").write_text(yaml.safe_dump(configuration, sort_keys=False), encoding="utf-8")


def title(page: Path) -> str:
    """The first heading of a page; its name where it has none."""
    found = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].strip() if found else page.stem


def _listed(entry: dict[str, Any], pages: Path, tutorials: Sequence[Path]) -> dict[str, Any] | None:
    """An entry of the contents with a folder's pages in its place; None where it has none."""
    ((name, target),) = entry.items()
    if target == "tutorials.md":
        return {name: [target, *({title(page): str(page.relative_to(pages))} for page in tutorials)]}
    if not isinstance(target, str) or not target.endswith("/"):
        return entry
    found = sorted((pages / target).glob("*.md"), key=lambda page: (page.stem != "index", title(page)))
    places = [str(page.relative_to(pages)) for page in found]
    listed = [at if page.stem == "index" else {title(page): at} for page, at in zip(found, places, strict=True)]
    return {name: listed} if listed else None


# Notebooks --------------------------------------------------------------------------------------------------


def _notebook(path: Path, folder: Path) -> Path:
    """The page of a notebook, with its pictures beside it."""
    folder.mkdir(exist_ok=True)
    page = folder / f"{path.stem}.md"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = [part for i, cell in enumerate(cells) for part in _cell(cell, folder / f"{path.stem}-{i}")]
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return page


def _cell(cell: dict[str, Any], picture: Path) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
    elif cell["cell_type"] == "code" and source.strip():
        yield _fence(source, "python")
        for i, output in enumerate(cell["outputs"]):
            yield from _output(output, picture.with_name(f"{picture.name}-{i}"))


def _output(output: dict[str, Any], picture: Path) -> Iterator[str]:
    """What a cell gave: a picture, a table, or text; the richest form that a page can show."""
    data = {kind: "".join(value) for kind, value in output.get("data", {}).items() if isinstance(value, str | list)}
    if output["output_type"] == "stream":
        data = {"text/plain": "".join(output["text"])}
    elif output["output_type"] == "error":
        data = {"text/plain": "\n".join(output["traceback"])}
    if "image/svg+xml" in data:
        picture = picture.with_suffix(".svg")
        picture.write_text(data["image/svg+xml"], encoding="utf-8")
        yield f"![{escape(data.get('text/plain', ''), quote=True)[:80] or 'a picture'}]({picture.name})"
    elif "image/png" in data:
        picture = picture.with_suffix(".png")
        picture.write_bytes(base64.b64decode(data["image/png"]))
        yield f"![a picture]({picture.name})"
    elif "text/html" in data:
        yield f'<div class="shown">\n{re.sub(chr(10) + "{2,}", chr(10), data["text/html"].strip())}\n</div>'
    elif "text/latex" in data:
        yield _fence(data["text/latex"], "latex")
    elif data.get("text/plain"):
        plain = re.sub("\x1b\\[[0-9;]*m", "", data["text/plain"]).rstrip("\n")
        yield _fence(plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}\n…", "text")


def _fence(text: str, language: str) -> str:
    """A text in a fence that is longer than any within it."""
    ticks = max([2, *map(len, re.findall("`{3,}", text))]) + 1
    return f"{'`' * ticks}{language}\n{text}\n{'`' * ticks}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.site", description="Builds the documentation site.")
    parser.add_argument("--out", default=ROOT / "site", type=Path, metavar="DIR", help="site/ unless given")
    out = parser.parse_args().out
    try:
        build(out)
    except SiteError as error:
        raise SystemExit(str(error)) from None
    print(out / "index.html")


if __name__ == "__main__":
    main()
