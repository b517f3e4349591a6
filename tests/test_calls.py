"""Calls read from text: what is written is read, words of Python are words like others, and what is refused."""

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learningdiagrams.calls import Call, Name, parse_call
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.values import literal

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
literals = st.recursive(
    numbers | st.text() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


@given(st.lists(literals, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "größe"]), literals))
def test_what_is_written_is_read(args, options):
    words = [literal(x) for x in args] + [f"{name}={literal(x)}" for name, x in options.items()]
    assert parse_call(f"f({', '.join(words)})") == Call("f", tuple(args), options)


def test_calls_within_calls_and_names():
    assert parse_call("sequential(flatten, linear(2, 1), [1, -2])") == Call(
        "sequential", (Name("flatten"), Call("linear", (2, 1)), (1, -2))
    )
    assert isinstance(parse_call("shuffle(label)").args[0], Name)


@pytest.mark.parametrize("word", [*keyword.kwlist, *keyword.softkwlist, "print"])
def test_words_of_python_are_names(word: str):
    if word in ("True", "False", "None"):
        assert parse_call(f"f({word})").args == ({"True": True, "False": False, "None": None}[word],)
    else:
        assert parse_call(f"f({word}, {word}={word})") == Call("f", (Name(word),), {word: Name(word)})
        assert parse_call(word) == Call(word)


def test_maps_with_names_of_python_are_followed_and_shuffled():
    d = Diagram()
    S, A = d.objects("S", "A")
    d.data("lambda", S, A)
    d.model("class", A, A)
    d.model("slow", A, A, "ema(class, decay=0.5)")
    d.noise("mixed", S, A, "shuffle(lambda)")
    assert d.averages["slow"].model == "class" and d.specs["mixed"].arguments() == (("lambda",), {})


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("f((1), (1,), (), [1], [])", (1, (1,), (), (1,), ())),
        ("f(1, 2,)", (1, 2)),
        (" f (\n 1 ,\t- 2 ) ", (1, -2)),
        ("f(.5, 1., 1e3, -1E-3)", (0.5, 1.0, 1000.0, -0.001)),
        (
            r"""f("a\"b", 'a"b', 'c\'d', "\n\u00e9\x41", "C:\data\\x")""",
            ('a"b', 'a"b', "c'd", "\né\x41", "C:\\data\\x"),
        ),
        ("ｆ(ﬁ)", (Name("fi"),)),
    ],
)
def test_arguments(text: str, args: tuple):
    read = parse_call(text)
    assert read == Call("f", args) and list(map(type, read.args)) == list(map(type, args))


NO_CALLS = {
    "": "`` cannot be read; write a call such as `kl(temperature=4)`",
    "kl(": "`kl(` cannot be read; write a call such as `kl(temperature=4)`",
    "kl(a=1, a=2)": "`kl(a=1, a=2)`: a is given twice",
    "3": "`3` is no call; write a name, then arguments in brackets, as `kl(temperature=4)`",
    "f(1 + 2)": "`f(1 + 2)` cannot be read from `+ 2)` on; write a call such as `kl(temperature=4)`",
    "f(**x)": "`f(**x)` cannot be read from `**x)` on; write a call such as `kl(temperature=4)`",
    "f(*x)": "`f(*x)` cannot be read from `*x)` on; write a call such as `kl(temperature=4)`",
    "os.system(1)": "`os.system(1)` cannot be read from `.system(1)` on; write a call such as `kl(temperature=4)`",
    "f(-True)": "`f(-True)` cannot be read from `True)` on; write a call such as `kl(temperature=4)`",
    "f(b'x')": "`f(b'x')` cannot be read from `'x')` on; write a call such as `kl(temperature=4)`",
    "f(a=1, 2)": "`f(a=1, 2)` cannot be read from `2)` on; write a call such as `kl(temperature=4)`",
    "f(1 2)": "`f(1 2)` cannot be read from `2)` on; write a call such as `kl(temperature=4)`",
    "f(1)(2)": "`f(1)(2)` cannot be read from `(2)` on; write a call such as `kl(temperature=4)`",
    "f(1_0)": "`f(1_0)` cannot be read from `1_0)` on; write a call such as `kl(temperature=4)`",
    "f('x)": "`f('x)` cannot be read from `'x)` on; write a call such as `kl(temperature=4)`",
    "f(2=3)": "`f(2=3)` cannot be read from `=3)` on; write a call such as `kl(temperature=4)`",
    "f(" * 60: f"`{'f(' * 25}…`: brackets stand within more than 50 others",
    "f(" + "9" * 5000: f"`f({'9' * 48}…`: a number of 5000 digits is too long",
}


@pytest.mark.parametrize("text", NO_CALLS, ids=lambda text: text[:20])
def test_what_is_no_call(text: str):
    with pytest.raises(DiagramError) as caught:
        parse_call(text)
    assert str(caught.value) == NO_CALLS[text]


@given(st.text())
def test_any_text_is_a_call_or_refused(text: str):
    try:
        assert isinstance(parse_call(text), Call)
    except DiagramError as error:
        assert str(error).startswith("`")
