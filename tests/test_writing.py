"""Diagrams as text: what it looks like, and that it says all that there is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.language import loads
from learningdiagrams.language.scanning import quoted, text_of
from learningdiagrams.language.writing import argument, write, write_presentation
from learningdiagrams.specs import csv, torch
from learningdiagrams.theory import Presentation, identity

from .diagrams import diagrams
from .test_language import DISTILLATION

EVERYTHING = r"""
diagram "few shots"

object S, T, A[28, 28], B[n, 64] int, C[], D bool
data   x       : S -> A      = npz("digits.npz", "images")
noise  z       : S -> A * B  = normal(16)
noise  w       : S -> A      = shuffle(x)
map    plain   : A -> 1
model  encoder : A -> B      = mlp(64, 32, 10, activation="tanh")
model  e       : A -> B      = ema(encoder, decay=0.5)
frozen t       : A -> B
fixed  k       : A -> A

law k >> k = k
law named : k >> k >> k = k
law k >> plain = drop(A)

goal    first     : x >> encoder = w >> t   by mse
goal    second    : encoder = stop(t) on x, w >> k by kl(temperature=4) weight -2 train encoder
goal    third     : x >> encoder = w >> t by l1   weight linear(0, 1, steps=1000)
measure seen      : x >> encoder = w >> t   by accuracy

stage one : train encoder   by first, second   epochs 5
stage two : train encoder   by third

style encoder at=(0, -1.5), label="\epsilon_1"
style first   label="a \"b\"", curve=2, colour="#c33"
""".strip()


def test_the_contract_s_example_is_its_own_text():
    assert write(loads(DISTILLATION)) == DISTILLATION.rstrip("\n")


def test_columns_are_aligned():
    lines = write(loads(EVERYTHING)).split("\n")
    generators = [line for line in lines if line.split()[0:1] and line.split()[0] in ("data", "noise", "model")]
    assert len({line.index(" : ") for line in generators}) == 1
    assert len({line.index(" = ") for line in generators}) == 1
    goals = [line for line in lines if line.startswith(("goal", "measure"))]
    assert len({line.index("   by ") for line in goals}) == 1
    assert len({line.index("   weight ") for line in goals if "weight" in line}) == 1


def test_every_kind_of_thing_is_written():
    assert (
        write(loads(EVERYTHING))
        == (
            r"""
diagram "few shots"

object S, T, A[28, 28], B[n, 64] int, C[], D bool
data   x       : S -> A     = npz("digits.npz", "images")
noise  z       : S -> A * B = normal(16)
noise  w       : S -> A     = shuffle(x)
map    plain   : A -> 1
model  encoder : A -> B     = mlp(64, 32, 10, activation="tanh")
model  e       : A -> B     = ema(encoder, decay=0.5)
frozen t       : A -> B
fixed  k       : A -> A

law k >> k = k
law named : k >> k >> k = k
law k >> plain = drop(A)

goal    first  : x >> encoder = w >> t                  by mse
goal    second : encoder = stop(t)       on x, w >> k   by kl(temperature=4)   weight -2   train encoder
goal    third  : x >> encoder = w >> t                  by l1                  weight linear(0, 1, steps=1000)
measure seen   : x >> encoder = w >> t                  by accuracy

stage one : train encoder   by first, second   epochs 5
stage two : train encoder   by third

style encoder at=(0, -1.5), label="\epsilon_1"
style first   label="a \"b\"", curve=2, colour="#c33"
"""
        ).strip()
    )


def test_what_is_not_there_takes_no_line():
    assert write(Diagram()) == ""
    assert write(loads("diagram Empty")) == "diagram Empty"
    assert write(loads("object A\nmap f : A -> A")) == "object A\nmap    f : A -> A"


def test_objects_fill_lines():
    names = [f"Object{i}" for i in range(30)]
    d = Diagram()
    d.objects(*names)
    lines = write(d).split("\n")
    assert len(lines) == 3 and all(len(line) <= 110 for line in lines)
    assert loads(write(d)) == d


def test_very_long_equations_widen_no_column():
    long = " >> ".join(["f"] * 30)
    d = loads(f"object S, A\ndata x : S -> A\nmodel f : A -> A\ngoal a : x >> {long} = x\ngoal b : x >> f = x")
    short = write(d).split("\n")[-1]
    assert short == "goal b : x >> f = x   by mse"


@given(diagrams())
def test_text_is_a_fixed_point_and_says_everything(d: Diagram):
    text = write(d)
    again = loads(text)
    assert again == d
    assert write(again) == text == str(d) == write(d, exact=True)


@given(st.text())
def test_texts_in_quotes(text: str):
    assert text_of(quoted(text)) == text
    assert "\n" not in quoted(text)


@pytest.mark.parametrize(
    "text",
    ["\\", "\\\\", '\\"', r"\u0041", r"\\u0041", '"', "a\\", "\\u", "\u2028", "\r\n", "\\\n", "\\\x1f"],
)
def test_texts_that_look_like_escapes(text: str):
    assert text_of(quoted(text)) == text
    d = Diagram()
    d.style(d.object("A").name, label=text)
    assert loads(str(d)).styles["A"].label == text


def test_arguments():
    assert argument(csv("a.csv", "x", 'y"')) == r'csv("a.csv", "x", "y\"")'
    assert argument(torch("a:B", x=(1, (2.5,)), y=None, z=True)) == 'torch("a:B", x=(1, (2.5,)), y=None, z=True)'


class TestWhatTextCannotHold:
    def test_functions_are_shown_and_not_saved(self):
        d = loads("object S, A\ndata x : S -> A")
        d.goal("g", "x", "x", by=math.dist)
        assert str(d).endswith("goal g : x = x   by ⟨dist⟩")
        with pytest.raises(DiagramError) as caught:
            write(d, exact=True)
        assert str(caught.value) == (
            "goal `g`: its comparator ⟨dist⟩ is a function, which a file cannot hold; "
            "those with a name, such as mse, it can"
        )

    def test_expressions_of_millions_of_symbols(self):
        d = loads("object S, A\ndata x : S -> A\nmodel f : A * A -> A")
        m = d["x"]
        for _ in range(25):
            m = (m & m) >> d["f"]
        d.law(m, m, "huge")
        with pytest.raises(DiagramError, match=r"^law `huge`: an expression S -> A has more than 4000000 symbols"):
            write(d, exact=True)

    def test_values_without_a_text(self):
        d = loads("object A")
        d.model("f", d["A"], d["A"], torch("a:B", x=[1, {2}]))
        with pytest.raises(DiagramError, match=r"^`f`: torch: \{2\} cannot be written; a file holds numbers, texts"):
            write(d, exact=True)
        d = loads("object A")
        d.model("f", d["A"], d["A"], torch("a:B", x=math.inf))
        with pytest.raises(DiagramError, match=r"^`f`: torch: inf cannot be written"):
            write(d, exact=True)


def test_presentations():
    P = Presentation("Monoid")
    (M,) = P.objects("M")
    mul, one = P.morphism("mul", M * M, M), P.morphism("one", P.unit, M)
    P.law(mul @ identity(M) >> mul, identity(M) @ mul >> mul, name="associativity")
    text = write_presentation(P)
    assert text == (
        "diagram Monoid\n\nobject M\nmap    mul : M * M -> M\nmap    one : 1 -> M\n\n"
        "law associativity : mul @ id(M) >> mul = id(M) @ mul >> mul"
    )
    again = loads(text).presentation
    assert write_presentation(again) == text
    assert again.name == "Monoid" and one.cod is M
