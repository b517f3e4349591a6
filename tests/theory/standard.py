"""Standard presentations, for the tests of the theory."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from learningdiagrams.theory import (
    Functor,
    Morphism,
    Object,
    Presentation,
    Proof,
    Proved,
    Refuted,
    drop,
    identity,
    proj,
)

KNOWN_ANSWERS = Path(__file__).parents[1] / "data" / "known_answers.json"


def ask(presentation: Presentation, left: Morphism, right: Morphism, **limits: Any) -> Any:
    """The verdict, with whatever it has."""
    return presentation.prove(left, right, **limits)


def holds(presentation, left, right, **limits):
    """The verdict, after its certificate is checked."""
    verdict = ask(presentation, left, right, **limits)
    if isinstance(verdict, Proved):
        verdict.proof.check()
        assert verdict.proof.left == left
        assert verdict.proof.right == right
    elif isinstance(verdict, Refuted):
        verdict.witness.check()
    else:
        assert verdict.reason
    return verdict.holds


def proof_of(presentation: Presentation, left: Morphism, right: Morphism) -> Proof:
    """The proof of an equation that has one."""
    verdict = presentation.prove(left, right)
    assert isinstance(verdict, Proved), verdict
    return verdict.proof


def witness_against(presentation: Presentation, left: Morphism, right: Morphism) -> Any:
    """The witness against an equation that does not hold."""
    verdict = presentation.prove(left, right)
    assert isinstance(verdict, Refuted), verdict
    return verdict.witness


def from_case(case: dict[str, Any]) -> Presentation:
    """The presentation of a known case; objects get a prefix, since a generator may be called the same."""
    presentation = Presentation("Case")
    presentation.objects(*(f"ob_{name}" for name in case["objects"]))
    for name, (dom, cod) in case["generators"].items():
        presentation.morphism(name, sort(presentation, f"ob_{dom}"), sort(presentation, f"ob_{cod}"))
    for equation in case.get("equations", ()):
        presentation.law(*sides(presentation, equation["lhs"], equation["rhs"]))
    return presentation


def sort(presentation: Presentation, name: str) -> Object:
    return presentation.sorts[name]


def path(presentation: Presentation, names: Sequence[str]) -> Morphism:
    """A path that is not empty."""
    made = presentation.generators[names[0]]
    for name in names[1:]:
        made = made >> presentation.generators[name]
    return made


def sides(presentation: Presentation, left: Sequence[str], right: Sequence[str]) -> tuple[Morphism, Morphism]:
    """Two parallel paths, of which at most one is empty."""
    if not left:
        other = path(presentation, right)
        return identity(other.dom), other
    one = path(presentation, left)
    return one, path(presentation, right) if right else identity(one.dom)


def known_cases() -> list[dict[str, Any]]:
    return json.loads(KNOWN_ANSWERS.read_text())


def simplex(top: int) -> Presentation:
    """Finite non-empty ordinals up to [top]: faces d, degeneracies s, the cosimplicial identities.

    Mac Lane, Categories for the Working Mathematician, VII.5.
    """
    P = Presentation(f"Simplex{top}")
    ob = P.objects(*(f"n{k}" for k in range(top + 1)))
    d = {(i, k): P.morphism(f"d{i}_{k}", ob[k - 1], ob[k]) for k in range(1, top + 1) for i in range(k + 1)}
    s = {(i, k): P.morphism(f"s{i}_{k}", ob[k + 1], ob[k]) for k in range(top) for i in range(k + 1)}
    for k in range(1, top):
        for i, j in itertools.combinations(range(k + 2), 2):
            P.law(d[i, k] >> d[j, k + 1], d[j - 1, k] >> d[i, k + 1])
    for k in range(top - 1):
        for i in range(k + 2):
            for j in range(i, k + 1):
                P.law(s[i, k + 1] >> s[j, k], s[j + 1, k + 1] >> s[i, k])
    for k in range(top):
        for i in range(k + 2):
            for j in range(k + 1):
                left = d[i, k + 1] >> s[j, k]
                if i in (j, j + 1):
                    P.law(left, identity(ob[k]))
                elif i < j:
                    P.law(left, s[j - 1, k - 1] >> d[i, k])
                else:
                    P.law(left, s[j, k - 1] >> d[i - 1, k])
    return P


def monad(top: int) -> Presentation:
    """The walking monad up to T^top: T^i η T^(n-i) and T^i μ T^(n-2-i), the laws of monads, and interchange.

    Mac Lane, Categories for the Working Mathematician, VI.1 and VII.5: the finite ordinals, 0 included.
    """
    P = Presentation(f"Monad{top}")
    T = P.objects(*(f"T{n}" for n in range(top + 1)))
    eta = {(i, n): P.morphism(f"eta{i}_{n}", T[n], T[n + 1]) for n in range(top) for i in range(n + 1)}
    mu = {(i, n): P.morphism(f"mu{i}_{n}", T[n], T[n - 1]) for n in range(2, top + 1) for i in range(n - 1)}
    for n in range(top + 1):
        for i, j in itertools.combinations_with_replacement(range(n + 1), 2):
            if n + 2 <= top:
                P.law(eta[i, n] >> eta[j + 1, n + 1], eta[j, n] >> eta[i, n + 1])
        for i, j in itertools.combinations(range(n - 1), 2):
            after = j - 1 if j > i + 1 else i
            P.law(mu[j, n] >> mu[i, n - 1], mu[i, n] >> mu[after, n - 1])
        for i in range(n + 1):
            for j in range(n) if n < top else ():
                left = eta[i, n] >> mu[j, n + 1]
                if i in (j, j + 1):
                    P.law(left, identity(T[n]))
                elif i < j:
                    P.law(left, mu[j - 1, n] >> eta[i, n - 1])
                else:
                    P.law(left, mu[j, n] >> eta[i - 1, n - 1])
    return P


def cube(dimension: int) -> Presentation:
    """The poset {0, 1}ⁿ: one generator an edge, one law a square; n-cube: 3ⁿ morphisms."""
    P = Presentation(f"Cube{dimension}")
    corners = ["".join(corner) for corner in itertools.product("01", repeat=dimension)]
    ob = dict(zip(corners, P.objects(*(f"c{corner}" for corner in corners)), strict=True))

    def up(corner: str, axis: int) -> str:
        return f"{corner[:axis]}1{corner[axis + 1 :]}"

    edge = {
        (c, i): P.morphism(f"e{c}_{i}", ob[c], ob[up(c, i)]) for c in corners for i in range(dimension) if c[i] == "0"
    }
    for c in corners:
        for i, j in itertools.combinations(range(dimension), 2):
            if c[i] == c[j] == "0":
                P.law(edge[c, i] >> edge[up(c, i), j], edge[c, j] >> edge[up(c, j), i])
    return P


def grid(side: int) -> Presentation:
    """A commuting grid of side × side objects."""
    P = Presentation(f"Grid{side}")
    ob = {(i, j): P.objects(f"g{i}_{j}")[0] for i in range(side) for j in range(side)}
    down = {(i, j): P.morphism(f"r{i}_{j}", ob[i, j], ob[i + 1, j]) for i in range(side - 1) for j in range(side)}
    right = {(i, j): P.morphism(f"c{i}_{j}", ob[i, j], ob[i, j + 1]) for i in range(side) for j in range(side - 1)}
    for i in range(side - 1):
        for j in range(side - 1):
            P.law(down[i, j] >> right[i + 1, j], right[i, j] >> down[i, j + 1])
    return P


def monoid(generators: str, relations: Sequence[tuple[str, str]], name: str = "Monoid") -> Presentation:
    """A category with one object: letters are generators, words paths."""
    P = Presentation(name)
    (x,) = P.objects("X")
    letters = {letter: P.morphism(letter, x, x) for letter in generators}

    def word(text: str) -> Morphism:
        made = identity(x)
        for letter in text:
            made = made >> letters[letter]
        return made

    for left, right in relations:
        P.law(word(left), word(right))
    return P


def word(presentation: Presentation, text: str) -> Morphism:
    """A word in a category with one object."""
    made = identity(next(iter(presentation.sorts.values())))
    for letter in text:
        made = made >> presentation.generators[letter]
    return made


def coxeter(matrix: Sequence[Sequence[int]]) -> Presentation:
    """The Coxeter group of a matrix: involutions with (a b)^m = 1."""
    letters = "abcdefgh"[: len(matrix)]
    relations = [(letter * 2, "") for letter in letters]
    for i, j in itertools.combinations(range(len(matrix)), 2):
        relations.append(((letters[i] + letters[j]) * matrix[i][j], ""))
    return monoid(letters, relations, "Coxeter")


def group() -> Presentation:
    """Groups, by associativity, left unit and left inverse."""
    P = Presentation("Group")
    (G,) = P.objects("G")
    mul, one, inv = P.morphism("mul", G * G, G), P.morphism("one", P.unit, G), P.morphism("inv", G, G)
    P.law(mul @ identity(G) >> mul, identity(G) @ mul >> mul, name="associative")
    P.law((drop(G) >> one & identity(G)) >> mul, identity(G), name="left_unit")
    P.law((inv & identity(G)) >> mul, drop(G) >> one, name="left_inverse")
    return P


def lens(with_put_put: bool = True) -> Presentation:
    """Very well-behaved lenses (Foster et al., Combinators for bidirectional tree transformations, 2007)."""
    P = Presentation("Lens")
    S, V = P.objects("S", "V")
    get, put = P.morphism("get", S, V), P.morphism("put", S * V, S)
    P.law(put >> get, proj(S * V, 1), name="PutGet")
    P.law((identity(S) & get) >> put, identity(S), name="GetPut")
    if with_put_put:
        P.law(put @ identity(V) >> put, (proj(S * V * V, 0) & proj(S * V * V, 2)) >> put, name="PutPut")
    return P


def swap(A: Object, B: Object) -> Morphism:
    return proj(A * B, 1) & proj(A * B, 0)


def semilattice() -> Presentation:
    P = Presentation("Semilattice")
    (L,) = P.objects("L")
    meet = P.morphism("meet", L * L, L)
    P.law(meet @ identity(L) >> meet, identity(L) @ meet >> meet, name="associative")
    P.law(swap(L, L) >> meet, meet, name="commutative")
    P.law((identity(L) & identity(L)) >> meet, identity(L), name="idempotent")
    return P


def lattice() -> Presentation:
    P = Presentation("Lattice")
    (L,) = P.objects("L")
    meet, join = P.morphism("meet", L * L, L), P.morphism("join", L * L, L)
    for name, operation in (("meet", meet), ("join", join)):
        P.law(
            operation @ identity(L) >> operation,
            identity(L) @ operation >> operation,
            name=f"{name}_associative",
        )
        P.law(swap(L, L) >> operation, operation, name=f"{name}_commutative")
    P.law((proj(L * L, 0) & join) >> meet, proj(L * L, 0), name="absorption_of_join")
    P.law((proj(L * L, 0) & meet) >> join, proj(L * L, 0), name="absorption_of_meet")
    return P


def empty_sort() -> Presentation:
    """Goguen and Meseguer's trap: c and d are equal as soon as A has an element, and A may have none."""
    P = Presentation("EmptySort")
    A, B = P.objects("A", "B")
    c, d = P.morphism("c", P.unit, B), P.morphism("d", P.unit, B)
    P.law(drop(A) >> c, drop(A) >> d, name="equal_over_A")
    return P


def chain(name: str, length: int) -> Presentation:
    P = Presentation(name)
    objects = P.objects(*(f"{name}{i}" for i in range(length + 1)))
    for i in range(length):
        P.morphism(f"{name}f{i}", objects[i], objects[i + 1])
    return P


def overlapping(length: int) -> tuple[Functor, Functor]:
    """Two chains of this length, with a common beginning of half of it."""
    R, half = chain("r", length // 2), length // 2
    objects = [{f"r{i}": f"{name}{i}" for i in range(half + 1)} for name in "pq"]
    generators = [{f"rf{i}": f"{name}f{i}" for i in range(half)} for name in "pq"]
    left, right = (
        Functor(R, chain(name, length), *tables) for name, *tables in zip("pq", objects, generators, strict=True)
    )
    return left, right
