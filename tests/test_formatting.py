"""`fmt`: words, comments and meaning stay; what `str` of a diagram writes stays as it is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from learningdiagrams.cli import app
from learningdiagrams.language import LanguageError, loads
from learningdiagrams.language.formatting import layout
from learningdiagrams.language.scanning import Source, lines, pieces
from learningdiagrams.language.writing import write

from .diagrams import diagrams

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted([*(ROOT / "learningdiagrams" / "regimes").glob("*.diagram"), *(ROOT / "examples").glob("*.diagram")])


def words(text: str) -> list[list[str]]:
    """The words of each declaration, as the reader has them."""
    return [[str(token) for token in line.tokens] for line in lines(Source(text))]


def comments(text: str) -> list[str]:
    return [piece.word.rstrip() for piece in pieces(text) if piece.kind == "COMMENT"]


@st.composite
def spoilt(draw: st.DrawFn, text: str) -> str:
    """The same declarations with other blanks, with comments, and with line breaks within brackets."""
    blank = st.sampled_from(["", " ", "   ", "\t"])
    comment = st.sampled_from(["# one", "#two", "#", '# "three" )'])
    made, depth, before = "", 0, ""
    for piece in pieces(f"{text}\n"):
        if piece.kind == "NEWLINE":
            made += draw(blank) + draw(st.sampled_from(["", "", draw(comment)])) + "\n"
            made += draw(st.sampled_from(["", "", "\n", f"{draw(blank)}{draw(comment)}\n"]))
            before = ""
            continue
        gap = draw(blank)
        if not gap and before[-1:].isalnum() and (piece.word[0].isalnum() or piece.word[0] in "_."):
            gap = " "
        if depth and draw(st.integers(0, 5)) == 0:
            gap += f"{draw(comment)}\n" if draw(st.booleans()) else "\n"
        depth += (piece.word in "([") - (piece.word in ")]")
        made += (gap or " ") + piece.word
        before = piece.word
    return made


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_words_comments_and_meaning_stay(data: st.DataObject):
    text = write(data.draw(diagrams()))
    assert layout(text) == (f"{text}\n" if text else "")
    other = data.draw(spoilt(text))
    laid = layout(other)
    assert words(laid) == words(other) == words(text)
    assert comments(laid) == comments(other)
    assert loads(laid) == loads(text)
    assert layout(laid) == laid
    assert all(line == line.rstrip() for line in laid.split("\n")) and "\n\n\n" not in laid and "\t" not in laid


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_blanks_alone_make_no_difference(data: st.DataObject):
    text = write(data.draw(diagrams()))
    other = "".join(data.draw(st.sampled_from([" ", "  ", "\t"])) if letter == " " else letter for letter in text)
    if not any(piece.kind == "TEXT" for piece in pieces(text)):
        assert layout(other) == layout(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_gallery_keeps_words_and_comments(path: Path):
    text = path.read_text(encoding="utf-8")
    laid = layout(text)
    assert words(laid) == words(text) and comments(laid) == comments(text) and layout(laid) == laid


@pytest.mark.parametrize(
    ("text", "laid"),
    [
        ("", ""),
        ("\n\n  \n", ""),
        ("  # only a remark  ", "# only a remark\n"),
        ("\ufeffobject A\r\n\r\n\r\nobject B\r", "object A\n\nobject B\n"),
        ("map ﬁx:A->A", "map fix : A -> A\n"),
        ("law f>>id(B)=f\nlaw  named :f=g", "law f >> id(B) = f\nlaw named : f = g\n"),
        ("law by_hand : (f&g)>>h=k", "law by_hand : (f & g) >> h = k\n"),
        ("style f at = ( -1,2 ) ,label = \"a  'b'\"", "style f at=(-1, 2), label=\"a  'b'\"\n"),
        ("model e:A->B=ema( model = m ,by=( 1 , ))", "model e : A -> B = ema(model=m, by=(1,))\n"),
        ("goal g:p=q on(f>>h),k weight -2", "goal g : p = q   on (f >> h), k   weight -2\n"),
        (
            "data x:S->A\nmodel longer:A->B=mlp( 1,2 ) # of two\nfixed f:B->B # by hand",
            "data  x      : S -> A\n"
            "model longer : A -> B = mlp(1, 2)  # of two\n"
            "fixed f      : B -> B              # by hand\n",
        ),
        (
            "goal a: p=q by mse weight 2\ngoal longer: p>>q=q on x\nmeasure m: p=q by l1",
            "goal    a      : p = q        by mse   weight 2\n"
            "goal    longer : p >> q = q   on x\n"
            "measure m      : p = q        by l1\n",
        ),
        (
            "stage a: train m by g\nstage ab: by g train m,n steps 3",
            "stage a  : train m   by g\nstage ab : by g      train m, n   steps 3\n",
        ),
        (
            "model f:A->B=sequential( # layers\nlinear(64,#in\n32),\n\n # only\nrelu\n)",
            "model f : A -> B = sequential(  # layers\n"
            "    linear(64,                  #in\n"
            "        32),\n    # only\n    relu\n)\n",
        ),
        (
            "# title\ndiagram D\nobject A\n  # a map\nmap f:A->A\nlaw f=f",
            "# title\ndiagram D\nobject A\n# a map\nmap    f : A -> A\nlaw f = f\n",
        ),
    ],
)
def test_layouts(text: str, laid: str):
    assert layout(text) == laid
    assert layout(laid) == laid


def test_what_is_no_text_of_the_language_is_left_alone():
    with pytest.raises(LanguageError) as caught:
        layout("modle f : A -> B\ngoal g f = f\nmap h : A -> (B", "x.diagram")
    assert [str(problem) for problem in caught.value.errors] == [
        "x.diagram:1:1: there is no declaration `modle`; did you mean `model`?",
        "x.diagram:2:8: `f` where `:` should be; "
        "a goal is written `goal NAME : p = q [on …] [by …] [weight …] [train …]`",
        "x.diagram:3:14: `(` is never closed; `)` is missing",
    ]


Run = Callable[..., tuple[int, str, str]]


class TestCommand:
    @pytest.fixture
    def run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
        monkeypatch.chdir(tmp_path)

        def invoke(*arguments: str, given: str = "") -> tuple[int, str, str]:
            done = CliRunner().invoke(app, ["fmt", *arguments], input=given)
            return done.exit_code, done.stdout, done.stderr

        return invoke

    def test_it_writes_only_what_changes(self, run: Run, tmp_path: Path):
        good, bad = tmp_path / "good.diagram", tmp_path / "bad.diagram"
        good.write_text("object A\n")
        bad.write_text("object  A,B  # two\n")
        before = good.stat().st_mtime_ns
        assert run("good.diagram", "bad.diagram") == (0, "bad.diagram\n", "")
        assert bad.read_text() == "object A, B  # two\n" and good.stat().st_mtime_ns == before
        assert run("good.diagram", "bad.diagram") == (0, "", "")

    def test_check_writes_nothing_and_says_where(self, run: Run, tmp_path: Path):
        (tmp_path / "a.diagram").write_text("object A\nmap f:A->A\n")
        code, out, err = run("--check", "a.diagram")
        assert (code, out) == (1, "")
        assert err == "a.diagram:2:1: its layout is another; learningdiagrams fmt a.diagram mends it\n"
        assert (tmp_path / "a.diagram").read_text() == "object A\nmap f:A->A\n"

    def test_check_sees_line_ends(self, run: Run, tmp_path: Path):
        (tmp_path / "a.diagram").write_bytes(b"object A\r\n")
        assert run("--check", "a.diagram")[0] == 1
        (tmp_path / "a.diagram").write_bytes(b"object A\n")
        assert run("--check", "a.diagram") == (0, "", "")

    def test_one_bad_file_does_not_keep_the_others(self, run: Run, tmp_path: Path):
        (tmp_path / "a.diagram").write_text("object  A")
        (tmp_path / "b.diagram").write_bytes(b"object \xff")
        (tmp_path / "c.json").write_text("{}")
        code, out, err = run("b.diagram", "missing.diagram", "c.json", "a.diagram")
        assert (code, out) == (1, "a.diagram\n")
        assert err.splitlines() == [
            "b.diagram:1:8: the byte 0xFF is no UTF-8; a diagram is a text in UTF-8",
            "missing.diagram:1:1: no such file or directory",
            "c.json:1:1: only a text that ends in .diagram is laid out",
        ]
        assert (tmp_path / "b.diagram").read_bytes() == b"object \xff"

    def test_standard_input(self, run: Run):
        assert run("-", given="map  f:A->A") == (0, "map f : A -> A\n", "")
        assert run("-", given="mpa f") == (
            1,
            "",
            "<stdin>:1:1: there is no declaration `mpa`; did you mean `map`?\n",
        )
