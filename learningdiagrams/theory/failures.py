"""What a map of structures can get wrong: failures as typed values, images by name, equations judged.

Functors, natural transformations and finite models are all given by tables, "this name goes to that
value". A table that is no table (a key missing, unknown or given twice) is an error at once; a table
whose values do not preserve the structure is an ordinary value that says, on request, everything that is
wrong with it.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from learningdiagrams.theory.errors import TheoryError, suggestion
from learningdiagrams.theory.morphisms import Morphism, Object, brief

if TYPE_CHECKING:
    from learningdiagrams.theory.deciding import Refuted, Unknown
    from learningdiagrams.theory.presentations import Presentation

__all__ = ["Failure", "judged", "listed", "morphism_of", "named", "object_of", "tabulated"]

K = TypeVar("K")
V = TypeVar("V")

UNKNOWN_KEY: Final = "{what}: {table} names `{key}`, which is no {role} of {owner}{suggestion}"
TWICE: Final = "{what}: {table} names `{key}` twice, once by name and once by value"
MISSING: Final = "{what}: {table} has nothing for {names}; each {role} of {owner} needs an entry"

REFUTED: Final = "{what}: {where} refutes {whose} `{left} = {right}`"
UNDECIDED: Final = "{what}: whether {where} proves {whose} `{left} = {right}` was not decided: {reason}"


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that a map of structures gets wrong.

    `kind` says which condition fails, `what` is the name of the generator, object or law where it does.
    `left` and `right` are the two sides that would have to be the same: the end that the image should
    have and the end that it has, the two sides of an equation, or two elements. `verdict` is the
    refutation of an equation, or what was spent on one that was not decided. `at` is the element at which
    a table fails. `str` is the message.
    """

    kind: str
    what: str
    left: Any
    right: Any
    message: str
    verdict: Refuted | Unknown | None = None
    at: Any = None

    def __str__(self) -> str:
        return self.message


def listed(names: Iterable[str], most: int = 5) -> str:
    """Names for a message, the first few of them.

    >>> listed("abc"), listed("abcdefg", most=3)
    ('`a`, `b`, `c`', '`a`, `b`, `c` and 4 more')
    """
    names = list(names)
    text = ", ".join(f"`{name}`" for name in names[:most])
    return text if len(names) <= most else f"{text} and {len(names) - most} more"


def tabulated(
    what: str,
    table: str,
    role: str,
    owner: str,
    expected: Mapping[str, Any],
    given: Mapping[Any, Any],
    read: Callable[[str, Any], V],
) -> dict[str, V]:
    """A table keyed by names, in the order of `expected`; its keys were names or the values of `expected`.

    `read(name, value)` makes the entry. Raises :class:`TheoryError` where a key is unknown, missing or
    given twice; `what`, `table`, `role` and `owner` are the words for that: "functor P -> Q",
    "morphisms=", "generator", "P".
    """
    if not isinstance(given, Mapping):
        raise TheoryError(f"{what}: {table} is {given!r}; it is a table from names or values to what they are sent to")
    found: dict[str, V] = {}
    for key, value in given.items():
        name = key if isinstance(key, str) else getattr(key, "name", None) or ""
        if name not in expected:
            name = unicodedata.normalize("NFKC", name)
        if name not in expected or (not isinstance(key, str) and expected[name] is not key):
            near = suggestion(key, expected) if isinstance(key, str) else ""
            raise TheoryError(
                UNKNOWN_KEY.format(what=what, table=table, key=key, role=role, owner=owner, suggestion=near)
            )
        if name in found:
            raise TheoryError(TWICE.format(what=what, table=table, key=name))
        found[name] = read(name, value)
    if len(found) < len(expected):
        names = listed(name for name in expected if name not in found)
        raise TheoryError(MISSING.format(what=what, table=table, names=names, role=role, owner=owner))
    return {name: found[name] for name in expected}


def named(presentation: Presentation, what: str, value: str | Object | Morphism) -> Object | Morphism:
    """The object or morphism that is given by name or by value; products too, as "A * B" or "1"."""
    if isinstance(value, str):
        if value in presentation.generators:
            return presentation.generators[value]
        if value == "1":
            return presentation.unit
        if "*" in value:
            made = presentation.unit
            for factor in value.split("*"):
                made = made * object_of(presentation, what, factor.strip())
            return made
        return presentation.signature[value]
    if not isinstance(value, Object | Morphism):
        raise TheoryError(f"{what}: {value!r} is neither an object nor a morphism of {presentation.name}")
    presentation.signature.owns(value)
    return value


def object_of(presentation: Presentation, what: str, value: str | Object) -> Object:
    """The object that is given by name or by value."""
    found = named(presentation, what, value)
    if not isinstance(found, Object):
        raise TheoryError(f"{what}: `{found}` is a morphism of {presentation.name}, not an object")
    return found


def morphism_of(presentation: Presentation, what: str, value: str | Morphism) -> Morphism:
    """The morphism that is given by a generator's name or by value."""
    found = named(presentation, what, value)
    if not isinstance(found, Morphism):
        raise TheoryError(f"{what}: {found} is an object of {presentation.name}, not a morphism")
    return found


def _unproved(
    presentation: Presentation, equations: Iterable[tuple[K, Morphism, Morphism]], max_seconds: float
) -> Iterator[tuple[K, Morphism, Morphism, Refuted | Unknown]]:
    """Those of the equations that the presentation does not prove, with their verdicts.

    Equations that hold in the free category, and laws as they stand, cost a look-up, so that a hundred
    thousand of them are no matter; the others share the time evenly.
    """
    hard = [(key, left, right) for key, left, right in equations if left != right]
    if hard:
        laws = {(law.left, law.right) for law in presentation.laws.values()}
        hard = [(key, a, b) for key, a, b in hard if (a, b) not in laws and (b, a) not in laws]
    end = time.monotonic() + max_seconds
    for position, (key, left, right) in enumerate(hard):
        share = max(0.0, end - time.monotonic()) / (len(hard) - position)
        verdict = presentation.prove(left, right, max_seconds=share)
        if not verdict:
            yield key, left, right, verdict  # type: ignore[misc]  # false in a condition: Refuted or Unknown


def judged(
    presentation: Presentation,
    equations: Iterable[tuple[str, Morphism, Morphism]],
    kind: str,
    place: str,
    whose: str,
    max_seconds: float,
) -> list[Failure]:
    """The failures among equations `(name, left, right)`: of `kind` if refuted, "undecided" if unknown.

    `place` and `whose` make the message: "law `{}`" and "its image".
    """
    found = []
    for name, left, right, verdict in _unproved(presentation, equations, max_seconds):
        refuted = verdict.holds is False
        message = (REFUTED if refuted else UNDECIDED).format(
            what=place.format(name), where=presentation.name, whose=whose,
            left=brief(left), right=brief(right), reason=getattr(verdict, "reason", ""),
        )  # fmt: skip
        found.append(Failure(kind if refuted else "undecided", name, left, right, message, verdict))
    return found
