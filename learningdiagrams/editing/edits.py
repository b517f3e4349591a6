"""Edits as values: how they are made, saved and done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, overload

from learningdiagrams.diagram import Diagram
from learningdiagrams.editing.steps import Edited, Step
from learningdiagrams.errors import DiagramError
from learningdiagrams.values import Value, call, refuse

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled

__all__ = [
    "EDITS",
    "Edit",
    "Edited",
    "add",
    "distil",
    "dumps_edit",
    "edit",
    "fold",
    "freeze",
    "insert",
    "loads_edit",
    "remove",
    "rename",
    "replace",
    "restrict",
    "rewrite",
    "sequence",
    "thaw",
    "tie",
    "untie",
]

Pairs = tuple[tuple[str, str], ...]


class Edit(Value):
    """A change of diagrams, as a value; `e >> f` is first e, then f.

    >>> e = freeze("backbone") >> remove("fit")
    >>> e, e == eval(repr(e)), freeze("a") >> freeze("b") >> freeze("c")
    (sequence(freeze("backbone"), remove("fit")), True, sequence(freeze("a"), freeze("b"), freeze("c")))
    """

    def steps(self, diagram: Diagram) -> tuple[Step, ...]:
        """What it does to a diagram, which stays as it is; raises :class:`DiagramError` where it does not fit."""
        from learningdiagrams.editing import verbs

        return (getattr(verbs, type(self).__name__)(self, diagram),)

    def __rshift__(self, other: Edit) -> sequence:
        if not isinstance(other, Edit):
            return NotImplemented
        parts = (part for each in (self, other) for part in (each.edits if isinstance(each, sequence) else (each,)))
        return sequence(*parts)


def _names(value: Edit, *names: str) -> None:
    for name in names:
        x = getattr(value, name)
        several = x if isinstance(x, tuple) else (x,)
        if not several or not all(isinstance(each, str) and each.strip() for each in several):
            refuse(value, name, 'a name in quotes, such as "student"' if x is not several else "names in quotes")


def _texts(value: Edit, *names: str) -> None:
    for name in names:
        if not isinstance(getattr(value, name), str):
            refuse(value, name, "a text in quotes")


def _pairs(value: Edit, name: str, given: Any) -> None:
    """Sets a table of names, given as a mapping or as pairs."""
    pairs = tuple(given.items()) if isinstance(given, Mapping) else given
    if not isinstance(pairs, Iterable) or isinstance(pairs, str):
        pairs = (given,)
    pairs = tuple(tuple(pair) if isinstance(pair, tuple | list) else pair for pair in pairs)
    value._set(**{name: pairs})
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            refuse(value, name, 'a table of names, such as {"old": "new"}')


@dataclass(frozen=True, eq=False, repr=False)
class add(Edit):
    """Declares more, in the text form: objects, maps, laws, goals, measures, stages, styles."""

    text: str

    def __post_init__(self) -> None:
        _names(self, "text")


class remove(Edit):
    """Takes declarations out, by name. What is left must not need them; lists of stages get shorter."""

    declarations: tuple[str, ...]

    def __init__(self, *declarations: str) -> None:
        self._set(declarations=declarations)
        _names(self, "declarations")


class restrict(Edit):
    """Keeps these declarations and what they are made of: a goal its maps, a map its objects, a stage its goals."""

    declarations: tuple[str, ...]

    def __init__(self, *declarations: str) -> None:
        self._set(declarations=declarations)
        _names(self, "declarations")


class rename(Edit):
    """Gives other names, all at once: `rename({"a": "b", "b": "a"})`. Noise keeps its numbers."""

    table: Pairs

    def __init__(self, table: Mapping[str, str] | Iterable[tuple[str, str]]) -> None:
        _pairs(self, "table", table)
        if not self.table:
            refuse(self, "table", 'a table of names, such as {"old": "new"}')


class replace(Edit):
    """A generator becomes a composite, `by`, wherever it stands.

    Args:
        declare: the maps (and objects) of the composite that are new, in the text form. The composite may have the
            generator itself in it.
        numbers: which parameters of the composite are those that the generator has: {"head.weight": "1.weight"}. Where
            nothing is said, new maps start from what realises them.
    """

    name: str
    by: str
    declare: str
    numbers: Pairs

    def __init__(self, name: str, by: str, declare: str = "", numbers: Any = ()) -> None:
        self._set(name=name, by=by, declare=declare)
        _pairs(self, "numbers", numbers)
        _names(self, "name", "by")
        _texts(self, "declare")


class fold(Edit):
    """A composite, `of`, becomes a generator wherever it stands; its parts go where nothing else needs them.

    The generator is declared by `declare`; where its realisation is left out, compiled diagrams go on with the
    composite's. Without `declare` it is one that is there, and the goals have to say that it equals the composite, as
    after :class:`distil`.

    Args:
        numbers: as for :class:`replace`, read the other way.
    """

    name: str
    of: str
    declare: str
    numbers: Pairs

    def __init__(self, name: str, of: str, declare: str = "", numbers: Any = ()) -> None:
        self._set(name=name, of=of, declare=declare)
        _pairs(self, "numbers", numbers)
        _names(self, "name", "of")
        _texts(self, "declare")


class insert(Edit):
    """A new map, an adapter, `after` a generator or `before` it, wherever that stands."""

    declare: str
    after: str | None
    before: str | None

    def __init__(self, declare: str, after: str | None = None, before: str | None = None) -> None:
        self._set(declare=declare, after=after, before=before)
        _names(self, "declare")
        if (after is None) == (before is None):
            raise DiagramError("`insert`: say after which generator, or before which: one of the two")
        _names(self, "before" if after is None else "after")


class tie(Edit):
    """Other generators become this one. It keeps its numbers; those of the others are left."""

    name: str
    others: tuple[str, ...]

    def __init__(self, name: str, *others: str) -> None:
        self._set(name=name, others=others)
        _names(self, "name", "others")


class untie(Edit):
    """A generator gets a twin, which stands for it in some equations and starts with its numbers.

    Args:
        equations: goals, measures and laws by name; or as they are to be, in the text form, where the twin takes only
            some places: "goal same : x >> f = x >> twin". Read with the old name, that is what they were.
    """

    name: str
    new: str
    equations: tuple[str, ...]

    def __init__(self, name: str, new: str, *equations: str) -> None:
        self._set(name=name, new=new, equations=equations)
        _names(self, "name", "new", "equations")


class freeze(Edit):
    """Models are trained no longer; lists of models get shorter."""

    models: tuple[str, ...]

    def __init__(self, *models: str) -> None:
        self._set(models=models)
        _names(self, "models")


class thaw(Edit):
    """Frozen maps are trained."""

    maps: tuple[str, ...]

    def __init__(self, *maps: str) -> None:
        self._set(maps=maps)
        _names(self, "maps")


class distil(Edit):
    """A new model, declared by `declare`, and the goal that it be a composite `of` maps, which that goal does not move.

    Args:
        on: the morphisms along which the goal is sampled, as after `on`: "images", or "x1, x2".
        by: its comparator; goal: its name, where that is not `distil_` and the model's.

    After training, `fold(name, of)` puts the model into the composite's place.
    """

    declare: str
    of: str
    on: str
    by: str
    goal: str | None

    def __init__(self, declare: str, of: str, on: str = "", by: str = "mse", goal: str | None = None) -> None:
        self._set(declare=declare, of=of, on=on, by=by, goal=goal)
        _texts(self, "on")
        _names(self, "declare", "of", "by", *(("goal",) if goal is not None else ()))


class rewrite(Edit):
    """Single declarations, as they are written, by others: what takes another edit back.

    Args:
        removed: the declarations that go, each as its own line.
        added: those that come, each after the name that it follows in the list of its kind ("" at the beginning).
        sends: images of objects and generators that do not go to what has their name.
        forward: whether that is a functor from the diagram before to the one after, or the other way.
        numbers: where numbers come from beside: {"body.weight": "student.0.weight"}, new to old.
    """

    removed: tuple[str, ...]
    added: Pairs
    sends: Pairs
    forward: bool
    numbers: Pairs

    def __init__(
        self, removed: Iterable[str], added: Any = (), sends: Any = (), forward: bool = True, numbers: Any = ()
    ) -> None:
        self._set(removed=tuple(removed), forward=forward)
        for name, given in (("added", added), ("sends", sends), ("numbers", numbers)):
            _pairs(self, name, given)


class sequence(Edit):
    """Edits one after the other; of none it changes nothing."""

    nested: ClassVar[frozenset[str]] = frozenset({"edits"})

    edits: tuple[Edit, ...]

    def __init__(self, *edits: Edit) -> None:
        self._set(edits=edits)
        if not all(isinstance(each, Edit) for each in edits):
            refuse(self, "edits", "edits")

    def steps(self, diagram: Diagram) -> tuple[Step, ...]:
        found: tuple[Step, ...] = ()
        for each in self.edits:
            found += each.steps(found[-1].after if found else diagram)
        return found


EDITS: Final[Mapping[str, type[Edit]]] = {
    cls.__name__: cls
    for cls in (
        add, remove, restrict, rename, replace, fold, insert, tie, untie, freeze, thaw, distil, rewrite, sequence,
    )
}  # fmt: skip
"""The edits by name."""


@overload
def edit(target: Diagram, *edits: Edit) -> Edited: ...
@overload
def edit(target: Compiled, *edits: Edit, maps: Mapping[str, Any] | None = ..., numbers: Any = ...) -> Edited: ...
def edit(target: Any, *edits: Edit, maps: Any = None, numbers: Any = None) -> Edited:
    """Does edits, one after the other, on a diagram or on a compiled one. What is given stays as it is.

    On a compiled diagram, `edit(…).compiled` is the edited one on the same backend, at the same step, on copies of the
    numbers as they are now: carried by name and shape along the edit's functor. `fresh` and `left` say what is new
    and what was not carried; a map that stays keeps its realisation, a new one is realised as for `compile`.

    Args:
        maps: what realises new generators where the diagram does not say it.
        numbers: {generator: {parameter or buffer: array}} to start from instead, such as `left` of an earlier edit.

    Raises:
        DiagramError: an edit that does not fit, naming what is in its way.
    """
    for each in edits:
        if not isinstance(each, Edit):
            raise DiagramError(
                f'edit: {each!r} is no edit; one is such as freeze("student") of learningdiagrams.editing'
            )
    whole = edits[0] if len(edits) == 1 else sequence(*edits)
    if isinstance(target, Diagram):
        if maps is not None or numbers is not None:
            raise DiagramError("edit: maps and numbers are for compiled diagrams; a diagram has none")
        steps = whole.steps(target)
        return Edited(whole, target, steps[-1].after if steps else target, steps)
    if not (hasattr(target, "maps") and hasattr(target, "diagram")):
        raise DiagramError(f"edit: {target!r} is neither a diagram nor a compiled one")
    from learningdiagrams.editing.maps import edited_compiled

    steps = whole.steps(target.diagram)
    made = Edited(whole, target.diagram, steps[-1].after if steps else target.diagram, steps)
    return edited_compiled(made, target, maps or {}, numbers or {})


# As JSON ---------------------------------------------------------------------------------------------------------


def dumps_edit(edit: Edit) -> str:
    """An edit as JSON text.

    >>> dumps_edit(freeze("student"))
    '{"edit": "freeze", "arguments": ["student"]}'
    """
    return json.dumps(_data(edit), ensure_ascii=False)


def loads_edit(text: str) -> Edit:
    """The edit that :func:`dumps_edit` wrote.

    Raises DiagramError for a text that is none, and for unknown edits and options.
    """
    try:
        return _edit(json.loads(text))
    except ValueError as error:
        if isinstance(error, DiagramError):
            raise
        raise DiagramError(f"an edit is saved as JSON, and this is none: {error}") from None


def _data(x: Any) -> Any:
    if isinstance(x, Edit):
        args, options = x.arguments()
        found: dict[str, Any] = {"edit": type(x).__name__, "arguments": [_data(each) for each in args]}
        return {**found, "options": {key: _data(each) for key, each in options.items()}} if options else found
    return [_data(each) for each in x] if isinstance(x, tuple) else x


def _edit(data: Any) -> Edit:
    wanted = {"edit", "arguments", "options"}
    if not isinstance(data, dict) or not {"edit"} <= data.keys() <= wanted or not isinstance(data["edit"], str):
        raise DiagramError(
            f'an edit is saved as {{"edit": name, "arguments": […]}}, and this is {json.dumps(data)[:60]}'
        )
    args, options = data.get("arguments", []), data.get("options", {})
    if not isinstance(args, list) or not isinstance(options, dict):
        raise DiagramError(f"edit `{data['edit']}`: arguments are a list, and options an object")
    given = [_edit(each) if isinstance(each, dict) else each for each in args]
    return call(EDITS, "edit", data["edit"], given, options)
