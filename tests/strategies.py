"""Random signatures, presentations and expressions, for properties that hold of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from learningdiagrams.theory import Morphism, Object, Presentation, drop, identity, proj

__all__ = ["models", "monoids", "morphisms", "objects", "presentations", "words"]


@st.composite
def presentations(draw: st.DrawFn, max_sorts: int = 3, max_generators: int = 5, max_arity: int = 2) -> Presentation:
    """A presentation without laws: generators between products of few sorts, 1 among their ends."""
    P = Presentation("Random")
    sorts = P.objects(*(f"S{i}" for i in range(draw(st.integers(1, max_sorts)))))
    for number in range(draw(st.integers(1, max_generators))):
        dom = P.signature.product(draw(st.lists(st.sampled_from(sorts), max_size=max_arity)))
        cod = P.signature.product(draw(st.lists(st.sampled_from(sorts), min_size=1, max_size=2)))
        P.morphism(f"g{number}", dom, cod)
    return P


@st.composite
def objects(draw: st.DrawFn, presentation: Presentation, max_size: int = 3) -> Object:
    """A product of at most so many sorts."""
    sorts = list(presentation.sorts.values())
    return presentation.signature.product(draw(st.lists(st.sampled_from(sorts), max_size=max_size)))


@st.composite
def morphisms(draw: st.DrawFn, dom: Object, size: int = 5) -> Morphism:
    """An expression out of an object: steps of composing with generators, pairing, projecting, copying."""
    signature = dom.signature
    made = identity(dom)
    for _ in range(draw(st.integers(0, size))):
        cod = made.cod
        generators = [g for g in signature.generators.values() if _available(g.dom, cod)]
        kind = draw(st.sampled_from(["apply", "beside", "project", "copy", "drop", "pair"]))
        if kind == "apply" and generators:
            generator = draw(st.sampled_from(generators))
            made = made >> _chosen(draw, cod, generator.dom) >> generator
        elif kind == "beside" and generators:
            generator = draw(st.sampled_from(generators))
            made = made >> (identity(cod) & _chosen(draw, cod, generator.dom) >> generator)
        elif kind == "project" and cod.factors:
            made = made >> proj(cod, draw(st.integers(0, len(cod.factors) - 1)))
        elif kind == "copy" and len(cod.factors) <= 2:
            made = made >> (identity(cod) & identity(cod))
        elif kind == "drop":
            made = made @ drop(dom) if draw(st.booleans()) and not dom.factors else made >> identity(cod)
        elif kind == "pair" and len(cod.factors) <= 3:
            made = made & identity(dom)
    return made


def _available(needed: Object, given: Object) -> bool:
    return all(sort in given.factors for sort in needed.factors)


def _chosen(draw: st.DrawFn, given: Object, needed: Object) -> Morphism:
    """A map that picks factors: needed[i] is one of the factors given, of the same sort."""
    made = drop(given)
    for sort in needed.factors:
        places = [i for i, factor in enumerate(given.factors) if factor is sort]
        made = made & proj(given, draw(st.sampled_from(places)))
    return made


def words(letters: str, max_size: int = 6) -> st.SearchStrategy[str]:
    """Words in some letters."""
    return st.text(alphabet=letters, max_size=max_size)


@st.composite
def monoids(draw: st.DrawFn, letters: str = "abc", max_laws: int = 3, max_size: int = 4) -> list[tuple[str, str]]:
    """Relations between words."""
    return draw(st.lists(st.tuples(words(letters, max_size), words(letters, max_size)), max_size=max_laws))


@st.composite
def models(
    draw: st.DrawFn, presentation: Presentation, max_size: int = 3
) -> tuple[dict[str, int], dict[str, dict[tuple[int, ...], tuple[int, ...]]]]:
    """Finite sets that are not empty, and functions, for every sort and generator; laws are not looked at."""
    sets = {name: draw(st.integers(1, max_size)) for name in presentation.sorts}
    tables = {}
    for name, generator in presentation.generators.items():
        points: list[tuple[int, ...]] = [()]
        for sort in generator.dom.factors:
            points = [(*point, value) for point in points for value in range(sets[sort.name])]
        tables[name] = {point: _value(draw, sets, generator.cod.factors) for point in points}
    return sets, tables


def _value(draw: st.DrawFn, sets: dict[str, int], sorts: Sequence[Object]) -> tuple[int, ...]:
    return tuple(draw(st.integers(0, sets[sort.name] - 1)) for sort in sorts)
