"""Open presentations: presentations with a left and a right interface, composed by gluing.

An open presentation is a structured cospan (Baez & Courser, *Structured cospans*, 2020): a body with two
functors into it, one from each interface. Interfaces are presentations themselves, most often a few named
objects. `a >> b` glues the right interface of `a` to the left one of `b` by a pushout, `a @ b` puts two
beside each other by a coproduct. Composition is associative and unital up to the names in the body, as
pushouts are.

>>> P, Q = Presentation("P"), Presentation("Q")
>>> (A, B), (C, D) = P.objects("A", "B"), Q.objects("C", "D")
>>> f, g = P.morphism("f", A, B), Q.morphism("g", C, D)
>>> a = OpenPresentation.on(P, left={"x": "A"}, right={"y": "B"})
>>> b = OpenPresentation.on(Q, left={"y": "C"}, right={"z": "D"})
>>> ab = a >> b
>>> ab
<OpenPresentation (x) -> P >> Q <- (z)>
>>> list(ab.body.generators.values()), ab.left("x"), ab.right("z")
([f, g], A, D)
>>> b >> b
Traceback (most recent call last):
...
learningdiagrams.theory.errors.TheoryError: Q >> Q: the interfaces do not fit: `z` is only on the right
of Q, `y` is only on the left of Q
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from learningdiagrams.theory.colimits import Colimit, coproduct, pushout
from learningdiagrams.theory.errors import NotDecided, TheoryError
from learningdiagrams.theory.failures import listed
from learningdiagrams.theory.functors import Functor
from learningdiagrams.theory.presentations import Presentation

__all__ = ["OpenPresentation", "Presentation"]

UNFIT: Final = "{a} >> {b}: the interfaces do not fit: {difference}"


class OpenPresentation:
    """The cospan of two functors into one presentation, the body; their domains are the interfaces.

    Functors and interfaces are kept as given. Raises :class:`TheoryError` where the functors do not end
    at one body.
    """

    __slots__ = ("left", "right")

    def __init__(self, left: Functor, right: Functor) -> None:
        if left.cod is not right.cod:
            raise TheoryError(f"an open presentation has one body, but {left!r} and {right!r} end at two")
        self.left: Functor = left
        self.right: Functor = right

    @classmethod
    def on(
        cls, body: Presentation, left: Mapping[str, Any] | None = None, right: Mapping[str, Any] | None = None
    ) -> OpenPresentation:
        """A body with interfaces of named objects: `{name: object of the body, by name or by value}`."""
        return cls(_points(body, left or {}, "left"), _points(body, right or {}, "right"))

    @classmethod
    def identity(cls, interface: Presentation) -> OpenPresentation:
        """The identity of an interface: the interface as its own body."""
        return cls(Functor.identity(interface), Functor.identity(interface))

    @property
    def body(self) -> Presentation:
        """The presentation between the interfaces."""
        return self.left.cod

    def compose(self, other: OpenPresentation, max_seconds: float = 10.0) -> tuple[OpenPresentation, Colimit]:
        """`self >> other`, and the pushout that made it, with its legs from the two bodies.

        The interfaces have to have the same objects and generators, and laws that prove each other; raises
        :class:`TheoryError` where they do not, :class:`NotDecided` where that was not told in `max_seconds`.
        """
        across = _fit(self, other, max_seconds) >> other.left
        glued = pushout(self.right, across, name=f"{self.body.name} >> {other.body.name}")
        return OpenPresentation(self.left >> glued.legs[0], other.right >> glued.legs[1]), glued

    def __rshift__(self, other: OpenPresentation) -> OpenPresentation:
        if not isinstance(other, OpenPresentation):
            return NotImplemented
        return self.compose(other)[0]

    def __matmul__(self, other: OpenPresentation) -> OpenPresentation:
        if not isinstance(other, OpenPresentation):
            return NotImplemented
        body = coproduct(self.body, other.body, name=f"{self.body.name} @ {other.body.name}")
        left, right = (
            coproduct(one.dom, two.dom).mediate(one >> body.legs[0], two >> body.legs[1])
            for one, two in ((self.left, other.left), (self.right, other.right))
        )
        return OpenPresentation(left, right)

    def __repr__(self) -> str:
        left, right = (", ".join(functor.dom.sorts) for functor in (self.left, self.right))
        return f"<OpenPresentation ({left}) -> {self.body.name} <- ({right})>"


def _points(body: Presentation, ports: Mapping[str, Any], side: str) -> Functor:
    interface = Presentation(f"the {side} of {body.name}")
    interface.objects(*ports)
    return Functor(interface, body, ports, {})


def _fit(a: OpenPresentation, b: OpenPresentation, max_seconds: float) -> Functor:
    """The functor that keeps names from the right interface of `a` to the left one of `b`, if invertible."""
    one, two = a.right.dom, b.left.dom
    if one is two:
        return Functor.identity(one)
    here, there = _declarations(one), _declarations(two)
    only = [
        f"{listed(extra)} is only on the {side} of {body}"
        for extra, side, body in (
            ([name for name in here if name not in there], "right", a.body.name),
            ([name for name in there if name not in here], "left", b.body.name),
        )
        if extra
    ]
    if only:
        raise TheoryError(UNFIT.format(a=a.body.name, b=b.body.name, difference=", ".join(only)))
    same = Functor.inclusion(one, two)
    for failure in (*same.failures(max_seconds), *Functor.inclusion(two, one).failures(max_seconds)):
        error = NotDecided if failure.kind == "undecided" else TheoryError
        raise error(UNFIT.format(a=a.body.name, b=b.body.name, difference=failure))
    return same


def _declarations(interface: Presentation) -> dict[str, None]:
    """The objects and generators, with their ends, as text and in order."""
    arrows = (f"{name} : {it.dom} -> {it.cod}" for name, it in interface.generators.items())
    return dict.fromkeys((*interface.sorts, *arrows))
