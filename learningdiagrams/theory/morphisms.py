"""Morphisms of a free category with finite products: typed expressions and their normal forms.

A :class:`Signature` holds sorts and generators. Its *objects* are finite products of sorts, written flat, with the
terminal object 1 as the empty product; its *morphisms* are the expressions made from generators by composition,
pairing, projections and discarding. Two expressions are equal in the free category with finite products exactly when
they have one normal form: for X₁×…×Xₙ → Y₁×…×Yₘ a tuple of m terms over n variables. Terms are interned, so that a
sub-term that occurs often is one node, and comparing two normal forms compares pointers.

Composition takes constant time: an expression remembers how it was written, and finds its normal form when it is first
compared, hashed or asked for. Nothing here recurses, so that a chain of 100 000 generators is an ordinary value.

Axioms
------
>>> s = Signature("axioms")
>>> A, B, C, D = (s.sort(name) for name in "ABCD")
>>> f, g, h = s.generator("f", A, B), s.generator("g", B, C), s.generator("h", C, D)
>>> k = s.generator("k", A, C)

A category:

>>> assert (f >> g) >> h == f >> (g >> h)
>>> assert identity(A) >> f == f == f >> identity(B)

Finite products (Mac Lane, *Categories for the Working Mathematician*, III.4):

>>> assert (f & k) >> proj(B * C, 0) == f and (f & k) >> proj(B * C, 1) == k
>>> m = s.generator("m", D, B * C)
>>> assert (m >> proj(B * C, 0)) & (m >> proj(B * C, 1)) == m
>>> assert f >> drop(B) == drop(A) and A * s.unit == A
>>> assert f >> (identity(B) & identity(B)) == f & f
>>> assert f @ h == (proj(A * C, 0) >> f) & (proj(A * C, 1) >> h)
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from learningdiagrams.theory.errors import TheoryError, suggestion

__all__ = [
    "Generator",
    "Morphism",
    "Object",
    "Signature",
    "Term",
    "drop",
    "identity",
    "mark",
    "proj",
]

ENDS: Final = "{left} >> {right}: `{left}` ends at {cod}, but `{right}` starts at {dom}"
SOURCES: Final = (
    "{left} & {right}: both sides of a pairing start at one object, but `{left}` starts at {a} and `{right}` at {b}"
)
FOREIGN: Final = "`{value}` belongs to {theirs}, not to {ours}"
TAKEN: Final = "the name `{name}` is taken: {kind} of that name is already in {signature}"
POSITION: Final = "proj({object}, {position}): {object} has {count}, so a position is {range}"

LONGEST_TEXT: Final = 4_000_000
"""Symbols beyond which an expression is not written out: sharing is lost in text (40 doublings are 10¹² symbols)."""


class Object:
    """A finite product of sorts; a sort is the product of itself alone, 1 the product of none.

    >>> s = Signature()
    >>> A, B = s.sort("A"), s.sort("B")
    >>> A * (B * A) is (A * B) * A
    True
    >>> print(A * B * A, (A * B).factors, s.unit)
    A * B * A (A, B) 1
    """

    __slots__ = ("_identity", "_variables", "factors", "name", "signature")

    def __init__(self, signature: Signature, factors: tuple[Object, ...], name: str) -> None:
        self.signature: Signature = signature
        self.factors: tuple[Object, ...] = factors or ((self,) if name != "1" else ())
        self.name: str = name
        self._identity: Morphism | None = None
        self._variables: tuple[Term, ...] | None = None

    @property
    def variables(self) -> tuple[Term, ...]:
        """One variable for each factor: the normal form of the identity."""
        if self._variables is None:
            terms = self.signature._terms
            self._variables = tuple(
                terms.setdefault((None, i, sort), Term(None, (), i, sort)) for i, sort in enumerate(self.factors)
            )
        return self._variables

    def __mul__(self, other: Object) -> Object:
        if not isinstance(other, Object):
            return NotImplemented
        self.signature.owns(other)
        return self.signature.product(self.factors + other.factors)

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    def _repr_latex_(self) -> str | None:
        from learningdiagrams.theory.showing import object_latex

        return object_latex(self)


class Generator:
    """A named arrow of a signature, as the head of terms; the morphism that it is, is `morphism`."""

    __slots__ = ("cod", "dom", "morphism", "name")

    def __init__(self, name: str, dom: Object, cod: Object) -> None:
        self.name: str = name
        self.dom: Object = dom
        self.cod: Object = cod
        self.morphism: Morphism = Morphism(dom, cod, "generator", (self,))

    def __repr__(self) -> str:
        return f"{self.name} : {self.dom} -> {self.cod}"


class Term:
    """A node of a normal form, interned in its signature: equal terms are one object.

    `head` is None for a variable (`index` its position), a generator (`index` says which of its outputs), or the
    name of a mark such as "stop", which is an endomorphism outside the signature. `sort` is the sort of the term.
    """

    __slots__ = ("args", "head", "index", "sort")

    def __init__(self, head: Generator | str | None, args: tuple[Term, ...], index: int, sort: Object) -> None:
        self.head: Generator | str | None = head
        self.args: tuple[Term, ...] = args
        self.index: int = index
        self.sort: Object = sort

    def __repr__(self) -> str:
        head = f"x{self.index}" if self.head is None else getattr(self.head, "name", self.head)
        return f"<term {head} : {self.sort}>"


class Morphism:
    """An expression dom → cod. `f >> g` composes (first f), `f & g` pairs, `f @ g` is the product of maps.

    Equal expressions are `==` and hash alike; `str` is the text form, as it was written.

    >>> s = Signature()
    >>> A, B = s.sort("A"), s.sort("B")
    >>> f, g = s.generator("f", A, B), s.generator("g", B, A)
    >>> print(f >> (g >> f), (f & f) >> proj(B * B, 1), f @ g >> drop(B * A), sep="\\n")
    f >> g >> f
    (f & f) >> proj(B * B, 1)
    f @ g >> drop(B * A)
    >>> f >> f
    Traceback (most recent call last):
    ...
    learningdiagrams.theory.errors.TheoryError: f >> f: `f` ends at B, but `f` starts at A
    """

    __slots__ = ("__weakref__", "_terms", "cod", "dom", "op", "parts")

    def __init__(self, dom: Object, cod: Object, op: str, parts: tuple[Any, ...]) -> None:
        self.dom: Object = dom
        self.cod: Object = cod
        self.op: str = op
        self.parts: tuple[Any, ...] = parts
        self._terms: tuple[Term, ...] | None = None

    @property
    def signature(self) -> Signature:
        return self.dom.signature

    @property
    def generator(self) -> Generator | None:
        """The generator that this expression is, or None for any other expression."""
        return self.parts[0] if self.op == "generator" else None

    @property
    def name(self) -> str | None:
        """The generator's name, or None for an expression that is no generator."""
        return self.parts[0].name if self.op == "generator" else None

    @property
    def terms(self) -> tuple[Term, ...]:
        """The normal form: one term for each factor of the codomain, over the variables of the domain."""
        if self._terms is None:
            self._terms = _evaluate(self)
        return self._terms

    def __rshift__(self, other: Morphism) -> Morphism:
        if not isinstance(other, Morphism):
            return NotImplemented
        if self.cod is not other.dom:
            self.signature.owns(other)
            raise TheoryError(ENDS.format(left=brief(self, 1), right=brief(other, 1), cod=self.cod, dom=other.dom))
        if self.op == "identity":
            return other
        if other.op == "identity":
            return self
        return Morphism(self.dom, other.cod, "compose", (self, other))

    def __and__(self, other: Morphism) -> Morphism:
        if not isinstance(other, Morphism):
            return NotImplemented
        if self.dom is not other.dom:
            self.signature.owns(other)
            raise TheoryError(SOURCES.format(left=brief(self), right=brief(other), a=self.dom, b=other.dom))
        return Morphism(self.dom, self.cod * other.cod, "pair", (self, other))

    def __matmul__(self, other: Morphism) -> Morphism:
        if not isinstance(other, Morphism):
            return NotImplemented
        return Morphism(self.dom * other.dom, self.cod * other.cod, "parallel", (self, other))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Morphism):
            return NotImplemented
        return self.dom is other.dom and self.cod is other.cod and self.terms == other.terms

    def __hash__(self) -> int:
        return hash((self.dom, self.cod, self.terms))

    def text(self) -> str:
        """The text form; raises :class:`TheoryError` where it would have millions of symbols."""
        text = _write(self, LONGEST_TEXT, "id")
        if text.endswith("…"):
            raise TheoryError(
                f"an expression {self.dom} -> {self.cod} has more than {LONGEST_TEXT} symbols when written out; "
                "text has no way to share sub-expressions"
            )
        return text

    def __str__(self) -> str:
        return _write(self, LONGEST_TEXT, "id")

    def __repr__(self) -> str:
        return _write(self, LONGEST_TEXT, "identity")

    def _repr_latex_(self) -> str | None:
        from learningdiagrams.theory.showing import morphism_latex

        return morphism_latex(self)


class Signature:
    """Sorts and generators under one namespace, and the tables that make equal things one thing.

    >>> s = Signature("S")
    >>> A = s.sort("A")
    >>> s.sort("A")
    Traceback (most recent call last):
    ...
    learningdiagrams.theory.errors.TheoryError: the name `A` is taken: an object of that name is already in S
    """

    __slots__ = ("_applied", "_products", "_terms", "generators", "name", "sorts", "taken", "unit")

    def __init__(self, name: str = "the presentation") -> None:
        self.name: str = name
        self.sorts: dict[str, Object] = {}
        self.generators: dict[str, Morphism] = {}
        self.taken: dict[str, str] = {}
        self._products: dict[tuple[Object, ...], Object] = {}
        self._terms: dict[Any, Term] = {}
        self._applied: dict[tuple[Generator, tuple[Term, ...]], tuple[Term, ...]] = {}
        self.unit: Object = Object(self, (), "1")
        self._products[()] = self.unit

    def take(self, name: str, kind: str) -> str:
        """Reserves a name, NFKC-normalised, for a thing of this kind ("an object", "a law" …)."""
        if not isinstance(name, str) or not name or name != name.strip():
            raise TheoryError(f"{name!r} is no name: a name is a word, such as `student`")
        name = unicodedata.normalize("NFKC", name)
        if name in self.taken:
            raise TheoryError(TAKEN.format(name=name, kind=self.taken[name], signature=self.name))
        self.taken[name] = kind
        return name

    def sort(self, name: str) -> Object:
        """Adds a sort."""
        if name == "1":
            raise TheoryError("1 is the terminal object, `unit`, and no name for another")
        name = self.take(name, "an object")
        made = Object(self, (), "")
        made.name = name
        made.factors = (made,)
        self._products[made.factors] = made
        self.sorts[name] = made
        return made

    def product(self, factors: Iterable[Object]) -> Object:
        """The product of these sorts, in this order; one object however often it is asked for."""
        factors = tuple(factors)
        made = self._products.get(factors)
        if made is None:
            made = self._products[factors] = Object(self, factors, " * ".join(sort.name for sort in factors))
        return made

    def generator(self, name: str, dom: Object, cod: Object) -> Morphism:
        """Adds a generator dom → cod and returns the morphism that it is."""
        for end in (dom, cod):
            if not isinstance(end, Object):
                raise TheoryError(f"`{name}`: {end!r} is no object; an end is an object of {self.name}")
            self.owns(end)
        name = self.take(name, "a generator")
        made = Generator(name, dom, cod).morphism
        self.generators[name] = made
        return made

    def owns(self, value: Object | Morphism) -> None:
        """Raises :class:`TheoryError` unless the object or morphism is of this signature."""
        if value.signature is not self:
            text = brief(value) if isinstance(value, Morphism) else str(value)
            raise TheoryError(FOREIGN.format(value=text, theirs=value.signature.name, ours=self.name))

    def __getitem__(self, name: str) -> Object | Morphism:
        if not isinstance(name, str):
            raise TheoryError(f"{name!r} is no name: things of {self.name} are looked up by name")
        name = unicodedata.normalize("NFKC", name)
        found = self.sorts.get(name) or self.generators.get(name)
        if found is None:
            candidates = [*self.sorts, *self.generators]
            raise TheoryError(f"there is no `{name}` in {self.name}{suggestion(name, candidates)}")
        return found

    def applied(self, generator: Generator, args: tuple[Term, ...]) -> tuple[Term, ...]:
        """The outputs of a generator at these arguments, interned."""
        key = (generator, args)
        found = self._applied.get(key)
        if found is None:
            found = tuple(Term(generator, args, i, sort) for i, sort in enumerate(generator.cod.factors))
            self._applied[key] = found
        return found

    def marked(self, label: str, term: Term) -> Term:
        """The mark of this label on a term; marking twice is marking once."""
        if term.head == label:
            return term
        key = (label, term)
        found = self._terms.get(key)
        if found is None:
            found = self._terms[key] = Term(label, (term,), 0, term.sort)
        return found


def identity(obj: Object) -> Morphism:
    """The identity obj → obj."""
    if not isinstance(obj, Object):
        raise TheoryError(f"identity({obj!r}): an identity is that of an object")
    if obj._identity is None:
        obj._identity = Morphism(obj, obj, "identity", ())
    return obj._identity


def proj(obj: Object, position: int) -> Morphism:
    """The projection of a product onto one of its factors; positions count from 0.

    >>> s = Signature()
    >>> A, B = s.sort("A"), s.sort("B")
    >>> proj(A, 0) == identity(A)
    True
    >>> proj(A * B, 2)
    Traceback (most recent call last):
    ...
    learningdiagrams.theory.errors.TheoryError: proj(A * B, 2): A * B has 2 factors, so a position is 0 or 1
    """
    if not isinstance(obj, Object):
        raise TheoryError(f"proj({obj!r}, {position!r}): a projection is that of an object")
    count = len(obj.factors)
    if not isinstance(position, int) or isinstance(position, bool) or not 0 <= position < count:
        factors = f"{count} factor" + "s" * (count != 1)
        allowed = {0: "none at all", 1: "0", 2: "0 or 1"}.get(count, f"one of 0 … {count - 1}")
        raise TheoryError(POSITION.format(object=obj, position=position, count=factors, range=allowed))
    return identity(obj) if count == 1 else Morphism(obj, obj.factors[position], "project", (position,))


def drop(obj: Object) -> Morphism:
    """The one map obj → 1."""
    if not isinstance(obj, Object):
        raise TheoryError(f"drop({obj!r}): what is discarded is an object; after a map, discard its codomain")
    return Morphism(obj, obj.signature.unit, "drop", ())


def mark(label: str, morphism: Morphism) -> Morphism:
    """The same morphism with a mark after it: an idempotent endomorphism that belongs to no signature.

    A mark acts on each factor, is kept in normal forms and hashing, satisfies nothing else, and is forgotten by
    :func:`~learningdiagrams.theory.terms.unmarked`. Learning diagrams use the mark "stop" (no gradient passes); the
    theory never sees it.

    >>> s = Signature()
    >>> A = s.sort("A")
    >>> f = s.generator("f", A, A)
    >>> mark("stop", f) == f, mark("stop", mark("stop", f)) == mark("stop", f)
    (False, True)
    """
    return Morphism(morphism.dom, morphism.cod, "mark", (label, morphism))


def _evaluate(root: Morphism) -> tuple[Term, ...]:
    """The normal form of an expression: its value at the variables of its domain, found with a stack of its own.

    Values are remembered by (node, environment), so that a sub-expression used twice at one place is evaluated once.
    """
    signature = root.signature
    memo: dict[tuple[int, tuple[Term, ...]], tuple[Term, ...]] = {}
    values: list[tuple[Term, ...]] = []
    # A task is (what, node, environment); what is "visit", or how to go on when parts have their values.
    tasks: list[tuple[str, Morphism, tuple[Term, ...]]] = [("visit", root, root.dom.variables)]
    while tasks:
        what, node, env = tasks.pop()
        if what == "visit":
            op = node.op
            if op == "generator":
                values.append(signature.applied(node.parts[0], env))
            elif op == "identity":
                values.append(env)
            elif op == "project":
                values.append((env[node.parts[0]],))
            elif op == "drop":
                values.append(())
            elif node._terms is not None and env == node.dom.variables:
                values.append(node._terms)
            elif (found := memo.get((id(node), env))) is not None:
                values.append(found)
            elif op == "compose":
                tasks += (("after", node, env), ("visit", node.parts[0], env))
            elif op == "mark":
                tasks += (("mark", node, env), ("visit", node.parts[1], env))
            else:
                left, right = node.parts
                split = len(left.dom.factors)
                mine, theirs = (env, env) if op == "pair" else (env[:split], env[split:])
                tasks += (("join", node, env), ("visit", right, theirs), ("visit", left, mine))
            continue
        if what == "after":
            tasks += (("keep", node, env), ("visit", node.parts[1], values.pop()))
            continue
        if what == "join":
            right_value = values.pop()
            values[-1] += right_value
        elif what == "mark":
            values[-1] = tuple(signature.marked(node.parts[0], term) for term in values[-1])
        memo[id(node), env] = values[-1]
        if env == node.dom.variables:
            node._terms = values[-1]
    return values[0]


_LEVEL: Final = {"pair": 0, "compose": 1, "parallel": 2}
_SIGN: Final = {"pair": " & ", "compose": " >> ", "parallel": " @ "}


def _write(root: Morphism, limit: int, identity_word: str) -> str:
    """The text form up to `limit` symbols, and … where that is not all of it."""
    out: list[str] = []
    tasks: list[tuple[Morphism, int] | str] = [(root, 0)]
    while tasks and len(out) < limit:
        task = tasks.pop()
        if isinstance(task, str):
            out.append(task)
            continue
        node, level = task
        op = node.op
        if op == "generator":
            out.append(node.parts[0].name)
        elif op == "identity":
            out.append(f"{identity_word}({node.dom})")
        elif op == "project":
            out.append(f"proj({node.dom}, {node.parts[0]})")
        elif op == "drop":
            out.append(f"drop({node.dom})")
        elif op == "mark":
            tasks += (")", (node.parts[1], 0), f"{node.parts[0]}(")
        else:
            own = _LEVEL[op]
            if own < level:
                out.append("(")
                tasks.append(")")
            # All three are associative, so that either side of the same sign needs no brackets; a pairing among the
            # arguments of >> and a composite among those of @ do.
            tasks += ((node.parts[1], own), _SIGN[op], (node.parts[0], own))
    return "".join(out) + (" …" if tasks else "")


def brief(morphism: Morphism, level: int = 0, symbols: int = 60) -> str:
    """The text form for an error message: at most some sixty symbols of it."""
    text = _write(morphism, symbols, "id")
    return f"({text})" if _LEVEL.get(morphism.op, 3) < level else text
