"""Open presentations: composition, interfaces, associativity up to names, parallel composition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learningdiagrams.theory import (
    Functor,
    NotDecided,
    OpenPresentation,
    Presentation,
    TheoryError,
    colimit,
    identity,
)


def arrow(name: str, dom: str = "x", cod: str = "y") -> OpenPresentation:
    """One generator, open at both ends."""
    P = Presentation(name.upper())
    A, B = P.objects("A", "B")
    P.morphism(name, A, B)
    return OpenPresentation.on(P, left={dom: "A"}, right={cod: B})


def test_composition_glues_at_the_interface():
    a, b = arrow("f", "x", "y"), arrow("g", "y", "z")
    both, glued = a.compose(b)
    assert list(both.body.sorts) == ["y", "A", "B"] and list(both.body.generators) == ["f", "g"]
    f, g = (leg(next(iter(leg.dom.generators.values()))) for leg in glued.legs)
    assert (f >> g).dom is both.left("x") and (f >> g).cod is both.right("z")
    assert both.left.dom is a.left.dom and both.right.dom is b.right.dom
    assert repr(both) == "<OpenPresentation (x) -> F >> G <- (z)>"


def test_interfaces_may_have_generators_and_laws():
    """Two theories of a loop of order two, glued at that loop."""
    sides = []
    for name in ("left", "right"):
        port, P = Presentation(f"I_{name}"), Presentation(name)
        (X,), (Y,) = port.objects("X"), P.objects("Y")
        s, t = port.morphism("s", X, X), P.morphism(f"t_{name}", Y, Y)
        port.law(s >> s, identity(X), name=f"order_{name}")
        P.law(t >> t, identity(Y), name="order")
        sides.append(Functor(port, P, {"X": Y}, {"s": t}))
    nothing = Presentation("nothing")
    left = OpenPresentation(Functor(nothing, sides[0].cod, {}, {}), sides[0])
    right = OpenPresentation(sides[1], Functor(nothing, sides[1].cod, {}, {}))
    both = left >> right
    assert list(both.body.generators) == ["s"]
    assert [str(law) for law in both.body.laws.values()] == ["order_left : s >> s = id(X)"]


def test_interfaces_that_do_not_fit_are_told():
    with pytest.raises(TheoryError) as error:
        arrow("f", "x", "y") >> arrow("g", "z", "w")  # type: ignore[reportUnusedExpression]
    assert str(error.value) == (
        "F >> G: the interfaces do not fit: `y` is only on the right of F, `z` is only on the left of G"
    )
    P = Presentation("P")
    (A,) = P.objects("A")
    t = P.morphism("t", A, A)
    interfaces = []
    for law in (True, False):
        port = Presentation("I")
        (X,) = port.objects("X")
        s = port.morphism("s", X, X)
        if law:
            port.law(s, identity(X), name="trivial")
        interfaces.append(Functor(port, P, {"X": A}, {"s": identity(A) if law else t}))
    trivial, free = (OpenPresentation(it, it) for it in interfaces)
    with pytest.raises(TheoryError, match="the interfaces do not fit: law `trivial`: I refutes its image `s = id"):
        trivial >> free  # type: ignore[reportUnusedExpression]
    with pytest.raises(TheoryError, match="the interfaces do not fit: law `trivial`"):
        free >> trivial  # type: ignore[reportUnusedExpression]


def test_both_functors_end_at_one_body():
    P, Q = Presentation("P"), Presentation("Q")
    with pytest.raises(TheoryError, match="one body, but <Functor P -> P> and <Functor Q -> Q> end at two"):
        OpenPresentation(Functor.identity(P), Functor.identity(Q))


def same(one: OpenPresentation, other: OpenPresentation, forth: Functor, back: Functor) -> bool:
    """Whether two functors between the bodies are inverse to each other and respect the interfaces."""
    return (
        (forth >> back).equals(Functor.identity(one.body)) is True
        and (back >> forth).equals(Functor.identity(other.body)) is True
        and (one.left >> forth).equals(other.left) is True
        and (one.right >> forth).equals(other.right) is True
    )


@st.composite
def open_presentations(draw, left: list[str], right: list[str]):
    """A random body with these named points at its ends; points may coincide."""
    P = Presentation(draw(st.sampled_from("PQS")))
    objects = P.objects(*(f"A{i}" for i in range(draw(st.integers(1, 3)))))
    end = st.sampled_from(objects)
    loops = []
    for i in range(draw(st.integers(0, 3))):
        f = P.morphism(f"f{i}", draw(end), draw(end))
        loops += [f] if f.dom is f.cod else []
    if loops:
        P.law(loops[0] >> loops[0], loops[0], name="idempotent")
    return OpenPresentation.on(P, {name: draw(end) for name in left}, {name: draw(end) for name in right})


PORTS = ["x", "y"]


@given(a=open_presentations([], PORTS), b=open_presentations(PORTS, PORTS), c=open_presentations(PORTS, ["z"]))
def test_associative_up_to_names(a, b, c):
    """Both ways of bracketing have the universal property of the zigzag, so that they are isomorphic."""
    ab, first = a.compose(b)
    left, then = ab.compose(c)
    bc, second = b.compose(c)
    right, last = a.compose(bc)
    legs = {
        "left": (first.legs[0] >> then.legs[0], first.legs[1] >> then.legs[0], then.legs[1]),
        "right": (last.legs[0], second.legs[0] >> last.legs[1], second.legs[1] >> last.legs[1]),
    }
    forth = then.mediate(first.mediate(*legs["right"][:2]), legs["right"][2])
    back = last.mediate(legs["left"][0], second.mediate(*legs["left"][1:]))
    assert same(left, right, forth, back)
    ports = b.left.dom, c.left.dom
    zigzag = colimit(
        [a.body, ports[0], b.body, ports[1], c.body],
        [
            (1, 0, Functor.inclusion(ports[0], a.right.dom) >> a.right),
            (1, 2, b.left),
            (3, 2, Functor.inclusion(ports[1], b.right.dom) >> b.right),
            (3, 4, c.left),
        ],
    )
    there = zigzag.mediate(
        legs["left"][0],
        b.left >> legs["left"][1],
        legs["left"][1],
        c.left >> legs["left"][2],
        legs["left"][2],
    )
    assert there.failures() == []
    assert len(there.cod.sorts) == len(zigzag.apex.sorts)


@given(a=open_presentations(["x"], ["y", "z"]))
def test_identities_are_neutral_up_to_names(a):
    right, glued = a.compose(OpenPresentation.identity(a.right.dom))
    assert same(right, a, glued.mediate(Functor.identity(a.body), a.right), glued.legs[0])
    left, glued = OpenPresentation.identity(a.left.dom).compose(a)
    assert same(left, a, glued.mediate(a.left, Functor.identity(a.body)), glued.legs[1])


def test_beside_each_other():
    a, b = arrow("f"), arrow("g")
    both = a @ b
    assert list(both.body.sorts) == ["A", "B", "A_2", "B_2"] and list(both.body.generators) == ["f", "g"]
    assert list(both.left.dom.sorts) == ["x", "x_2"]
    assert [str(both.right(port)) for port in both.right.dom.sorts.values()] == ["B", "B_2"]
    assert repr(both) == "<OpenPresentation (x, x_2) -> F @ G <- (y, y_2)>"


def test_interchange():
    """(a >> b) @ (c >> d) and (a @ c) >> (b @ d) have the same number of everything, and the same ends."""
    a, b, c, d = arrow("a", "x", "y"), arrow("b", "y", "z"), arrow("c", "x", "y"), arrow("d", "y", "z")
    one, other = (a >> b) @ (c >> d), (a @ c) >> (b @ d)
    for it in (one, other):
        assert len(it.body.sorts) == 6 and sorted(it.body.generators) == ["a", "b", "c", "d"]
        path = it.body.generators["c"] >> it.body.generators["d"]
        assert (path.dom, path.cod) == (it.left("x_2"), it.right("z_2"))


def test_interfaces_that_may_fit_are_not_decided():
    interfaces = []
    for image in ("s", "other"):
        port = Presentation("I")
        (X,) = port.objects("X")
        a, b = port.morphism("a", X, X), port.morphism("b", X, X)
        port.law(a >> b >> a, b >> a >> b, name="braid")
        if image == "other":
            port.law(a >> b >> b >> a >> a >> b, b >> a >> a >> b >> b >> a, name="strange")
        interfaces.append(OpenPresentation.identity(port))
    with pytest.raises(NotDecided, match="the interfaces do not fit: law `strange`: whether I proves its image"):
        interfaces[1].compose(interfaces[0], max_seconds=0.0)
