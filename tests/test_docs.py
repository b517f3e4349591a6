"""The pages of the site: what they show is what happens, links lead somewhere, and the site builds, offline."""

from __future__ import annotations

import doctest
import re
import shlex
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from typer.testing import CliRunner

import learningdiagrams as ld
from learningdiagrams.cli import app
from learningdiagrams.theory import __all__ as THEORY

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def fences(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class TestStart:
    """docs/index.md: everything in it, in its order, in an empty folder."""

    PAGE = DOCS / "index.md"

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        (text,) = fences(self.PAGE, "diagram")
        (tmp_path / "digits.diagram").write_text(text)
        bad = text.replace("student : Image -> Class ", "student : Image -> Clas ").replace("= pixels >>", "= pixel >>")
        (tmp_path / "bad.diagram").write_text(bad)
        (tmp_path / "wrong.diagram").write_text(text.replace("mlp(64, 16, 10)", "mlp(64, 16, 9)"))
        return tmp_path

    def test_the_diagram_is_laid_out(self):
        (text,) = fences(self.PAGE, "diagram")
        assert str(ld.loads(text)) + "\n" == text

    def test_commands_print_what_the_page_says(self, folder: Path):
        pytest.importorskip("torch")
        pytest.importorskip("sklearn")
        asked = [part for fence in fences(self.PAGE, "console") for part in re.split(r"(?m)^\$ ", fence) if part]
        assert len(asked) >= 7
        for part in asked:
            command, _, said = part.partition("\n")
            program, *arguments = shlex.split(command)
            assert program == "learningdiagrams"
            done = CliRunner().invoke(app, arguments)
            assert doctest.OutputChecker().check_output(said.replace("…", "..."), done.output, FLAGS), done.output
        assert {"digits.svg", "runs"} <= {path.name for path in folder.iterdir()}

    def test_sessions_run(self, folder: Path):
        pytest.importorskip("torch")
        pytest.importorskip("sklearn")
        result = doctest.testfile(str(self.PAGE), module_relative=False, optionflags=FLAGS)
        assert result.attempted >= 7 and result.failed == 0

    def test_the_other_commands_name_extras_that_there_are(self):
        (line,) = fences(self.PAGE, "sh")
        pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        for extra in {name for group in re.findall(r"\.\[(.+?)\]", line) for name in group.split(",")}:
            assert f"\n{extra} = [" in pyproject


@pytest.mark.parametrize(("name", "count"), [("one-goal", 30), ("limits", 8)])
def test_sessions_run(name: str, count: int):
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    result = doctest.testfile(str(DOCS / f"{name}.md"), module_relative=False, optionflags=FLAGS)
    assert result.attempted >= count and result.failed == 0


def test_every_page_with_code_is_named_by_a_test_that_runs_it():
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    folders = {f"docs/{part}" for part in re.findall(r'"docs" / "([\w-]+)"', tests)}
    for page in DOCS.rglob("*.md"):
        if re.search(r"^```(python|pycon|diagram|console|json|lark)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            whole = str(page.parent.relative_to(ROOT)) in folders
            assert whole or f'"{page.stem}.md"' in tests or f'("{page.stem}", ' in tests, page.relative_to(ROOT)


def test_every_public_name_has_a_place_in_the_api():
    shown = set(re.findall(r"(?m)^::: ([\w.]+)$", "".join(p.read_text("utf-8") for p in (DOCS / "api").glob("*.md"))))
    theory = {f"learningdiagrams.theory.{name}" for name in THEORY}
    assert theory - shown == set()
    top = {f"learningdiagrams.{name}" for name in ld.__all__}
    moved = {f"learningdiagrams.{name}" for name in THEORY} | {"learningdiagrams.theory"}
    found = {name for name in top if any(it == name or it.startswith(f"{name}.") for it in shown)}
    assert top - moved - found == set()


class Page(HTMLParser):
    """The targets, anchors and loaded files of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.loaded: list[str] = []
        self.titled = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.titled |= tag == "h1"
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(given["href"])
        elif "src" in given:
            self.loaded.append(given["src"])


def dead(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Everything that a page points at inside the site and that is not there."""
    for path, page in pages.items():
        for target in (*page.links, *page.loaded):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc or target.startswith("data:"):
                continue
            aim = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            aim = aim / "index.html" if aim.is_dir() else aim
            if not aim.is_file():
                yield f"{path.relative_to(site)}: {target} is not there"
            elif parts.fragment and aim in pages and unquote(parts.fragment) not in pages[aim].anchors:
                yield f"{path.relative_to(site)}: {target} has no such place"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built from this tree."""
    if not (find_spec("zensical") and find_spec("mkdocstrings")):
        pytest.skip("the extra `docs` is not installed")
    from tools.site import build

    folder = tmp_path_factory.mktemp("site") / "site"
    build(folder)
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}


class TestSite:
    def test_every_page_is_there_and_titled(self, site: Path, pages: dict[Path, Page]):
        wanted = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
        notebooks = {Path("tutorials", f"{path.stem}.html") for path in (ROOT / "notebooks").glob("*.ipynb")}
        assert {path.relative_to(site) for path in pages} >= wanted | notebooks
        assert [path.name for path, page in pages.items() if not page.titled] == []

    def test_every_page_is_in_the_contents(self, site: Path, pages: dict[Path, Page]):
        reached = {
            (path.parent / link.partition("#")[0]).resolve() for path, page in pages.items() for link in page.links
        }
        assert sorted(path.name for path in pages if path not in reached) == []

    def test_links_lead_somewhere(self, site: Path, pages: dict[Path, Page]):
        assert list(dead(site, pages)) == []

    def test_it_works_without_a_network(self, pages: dict[Path, Page]):
        loaded = {target for page in pages.values() for target in page.loaded}
        assert {target for target in loaded if urlsplit(target).scheme not in ("", "data")} == set()
        assert loaded

    def test_diagrams_are_highlighted_and_docstrings_are_markdown(self, site: Path):
        start = (site / "index.html").read_text(encoding="utf-8")
        assert re.search(r'<span class="kd">goal</span>', start)
        for path in (site / "api").glob("*.html"):
            text = path.read_text(encoding="utf-8")
            assert ":class:" not in text and "<p>&gt;&gt;&gt;" not in text and "<blockquote>" not in text, path.name


def test_a_dead_link_is_an_error(tmp_path: Path):
    """The check itself: a missing file, a missing anchor, and what is neither."""
    (tmp_path / "a.html").write_text(
        '<h1 id="top"></h1><a href="b.html#x"></a><a href="b.html"></a><a href="#top"></a>'
    )
    (tmp_path / "c.html").write_text('<a href="a.html#no"></a><a href="https://q.uiver.app/#q"></a><img src="p.svg">')
    pages = {path: Page(path) for path in tmp_path.glob("*.html")}
    assert sorted(dead(tmp_path, pages)) == [
        "a.html: b.html is not there",
        "a.html: b.html#x is not there",
        "c.html: a.html#no has no such place",
        "c.html: p.svg is not there",
    ]
