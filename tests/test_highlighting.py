"""The Pygments lexer and the TextMate grammar: the language's own words, and nothing of the gallery is an error."""

import json
import re
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.lexer import Lexer
from pygments.token import Error, Keyword, Name, Operator, String, Token

from learningdiagrams.diagram import DECLARATIONS, NOTES, RESERVED
from learningdiagrams.language.highlighting import MAPS, DiagramLexer

from .textmate import TextMate

ROOT = Path(__file__).resolve().parent.parent
CODE = ROOT / "editors" / "vscode"
GRAMMAR: dict[str, Any] = json.loads((CODE / "syntaxes" / "diagram.tmLanguage.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
TEXTS = {
    **{path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "learningdiagrams").rglob("*.diagram")},
    **{path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "examples").glob("*.diagram")},
    **{f"page{i}": text for i, text in enumerate(re.findall(r"^```diagram\n(.*?)^```$", PAGE, re.M | re.S))},
}
EVERYTHING = """\
diagram "All of it"
object A, B[n, 28] int, C[], Même
model f : A * B -> 1 = torch("m:X\\"y", model=-1.5e-3, f=mlp(3, norm=None), t=(1, 2))  # named "f"
goal map_ : (f >> id(A)) & stop(f) @ g = g on (f), h by kl(temperature=4) weight 0.5 train f
law named : f >> proj(A * B, 0) = drop(A)
law f = g
stage s : train a by b steps 3
style f at=(-1, 2), label="\\\\sigma", colour="#c33"
model net : A -> B = sequential(
    linear(64),  # in
    model=3)
"""


def lexed(text: str) -> list[tuple[str, Any]]:
    """The words of a text with their kinds in Pygments."""
    return [(word, kind) for kind, word in DiagramLexer().get_tokens(text) if word.strip()]


class TestLexer:
    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
    def test_the_gallery_has_no_errors(self, text: str):
        assert [word for word, kind in lexed(text) if kind is Error] == []

    @given(st.text(alphabet=st.sampled_from("fg A1.2x\"\\u03\n#()[]=:,>-*&@é§'")))
    @settings(max_examples=200)
    def test_no_letter_is_lost(self, text: str):
        plain = text.replace("\r", "\n")
        assert "".join(word for _, _, word in DiagramLexer().get_tokens_unprocessed(plain)) == plain

    def test_reserved_words_are_told_apart_by_what_they_do(self):
        assert frozenset(DECLARATIONS) | frozenset(NOTES) == RESERVED and set(NOTES) >= MAPS
        for word in RESERVED:
            want = Keyword.Declaration if word in DECLARATIONS else Operator.Word if word in MAPS else Keyword
            assert dict(lexed(f"{word} x : f" if word in DECLARATIONS else f"goal g : f {word} f"))[word] is want

    def test_everything(self):
        kinds = lexed(EVERYTHING)
        assert not [word for word, kind in kinds if kind is Error]
        assert {word for word, kind in kinds if kind is Name.Class} == {"A", "B", "C", "Même"}
        assert [word for word, kind in kinds if kind is Name.Function] == ["f", "map_", "named", "s", "f", "net"]
        assert {word for word, kind in kinds if kind is Name.Attribute} == {
            *("model", "f", "norm", "t", "temperature", "at", "label", "colour"),
        }
        assert {word for word, kind in kinds if kind is Name.Builtin} == {"torch", "mlp", "kl", "sequential", "linear"}
        assert [word for word, kind in kinds if kind is String.Escape] == ['\\"', "\\\\"]
        assert ("int", Keyword.Type) in kinds and ("None", Keyword.Constant) in kinds

    @pytest.mark.parametrize("wrong", ["=>", "'x'", "2x", '"open', "§", "==", "a→b"])
    def test_what_the_reader_refuses_is_an_error(self, wrong: str):
        assert [word for word, kind in lexed(f"goal g : f {wrong}") if kind is Error] == [wrong]

    def test_pygments_finds_it(self):
        project = re.search(
            r'^\[project.entry-points."pygments.lexers"\]\ndiagram = "(.+)"$',
            (ROOT / "pyproject.toml").read_text(encoding="utf-8"),
            re.M,
        )
        assert project is not None
        assert EntryPoint("diagram", project[1], "pygments.lexers").load() is DiagramLexer
        assert issubclass(DiagramLexer, Lexer) and "diagram" in DiagramLexer.aliases


# What a scope of the grammar is in Pygments, by its first words.
KINDS = {
    "comment": Token.Comment,
    "string": Token.Literal.String,
    "constant.character.escape": String.Escape,
    "constant.numeric": Token.Literal.Number,
    "constant.language": Keyword.Constant,
    "keyword.declaration": Keyword.Declaration,
    "keyword.control": Keyword,
    "keyword.operator.word": Operator.Word,
    "keyword.operator": Operator,
    "punctuation": Token.Punctuation,
    "entity.name": Name.Function,
    "support.function": Name.Builtin,
    "variable.parameter": Name.Attribute,
    "invalid": Error,
}


class TestTextMate:
    def test_its_words_are_those_of_the_language(self):
        rules = GRAMMAR["repository"]
        declarations = re.findall(r"[a-z]{3,}", "".join(it["match"] for it in rules["declaration"]["patterns"]))
        assert sorted([*declarations, "style"]) == sorted(DECLARATIONS)
        assert "(style)" in rules["style"]["begin"]
        assert set(re.findall(r"[a-z]{2,}", rules["note"]["match"])) == set(NOTES) - MAPS
        assert set(re.findall(r"[a-z]{2,}", rules["map"]["match"])) == MAPS

    @pytest.mark.parametrize("text", [*TEXTS.values(), EVERYTHING], ids=[*TEXTS, "everything"])
    def test_it_takes_every_letter_and_sees_what_the_lexer_sees(self, text: str):
        found = list(TextMate(GRAMMAR).tokens(text))
        assert [word for word, scope in found if not scope or scope.startswith("invalid")] == []
        told = [
            (word, next(KINDS[start] for start in sorted(KINDS, reverse=True) if scope.startswith(start)))
            for word, scope in found
            if scope.startswith(tuple(KINDS)) and scope != "constant.numeric.shape.diagram"
        ]
        # Texts, comments and shapes may come in one piece or in several.
        pieces = (Token.Comment, Token.Literal.String, Token.Literal.Number, Token.Punctuation)
        kinds = set(KINDS.values()) - set(pieces)
        assert [it for it in told if it[1] in kinds] == [it for it in lexed(text) if it[1] in kinds]

    def test_signs_of_other_languages_stand_out(self):
        for sign in ("=>", "'x'", ">>>", "<-", "==", "§", "//", "{"):
            assert "invalid.illegal.diagram" in dict(TextMate(GRAMMAR).tokens(f"law f {sign} g")).values(), sign


def test_the_extension_names_files_that_are_there():
    manifest = json.loads((CODE / "package.json").read_text(encoding="utf-8"))["contributes"]
    named = [manifest["languages"][0]["configuration"], *(grammar["path"] for grammar in manifest["grammars"])]
    for name in named:
        json.loads((CODE / name).read_text(encoding="utf-8"))
    assert manifest["languages"][0]["extensions"] == [".diagram"] == [f".{it}" for it in GRAMMAR["fileTypes"]]
    assert manifest["grammars"][0]["scopeName"] == GRAMMAR["scopeName"]
