"""What each edit does to a diagram: the diagram after it, and the functor between the two.

The functions have the names of the edits; those about composites stand in `editing/composites.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from unicodedata import normalize

from learningdiagrams.diagram import Diagram
from learningdiagrams.editing.composites import fold, insert, place_of, replace
from learningdiagrams.editing.names import functor_of, key_of, one_new, quoted, required
from learningdiagrams.editing.parts import (
    Changes,
    Key,
    copied,
    declared_in,
    lines_of,
    mentions,
    names_in,
    read_into,
    tables,
)
from learningdiagrams.editing.steps import Step, checked_step
from learningdiagrams.errors import DiagramError
from learningdiagrams.gluing.notes import carried_spec, same_realisation
from learningdiagrams.language.writing import argument

if TYPE_CHECKING:
    from learningdiagrams import editing

__all__ = [
    "add",
    "distil",
    "fold",
    "freeze",
    "insert",
    "remove",
    "rename",
    "replace",
    "restrict",
    "rewrite",
    "thaw",
    "tie",
    "untie",
]

# More and less ---------------------------------------------------------------------------------------------------


def add(edit: editing.add, d: Diagram) -> Step:
    if not declared_in(edit.text, "add"):
        raise DiagramError("add: the text declares nothing; write a declaration, such as goal fit : x >> f = y")
    after = copied(d, Changes())
    read_into(after, edit.text, "add")
    return checked_step(d, after, functor_of(d, after), "add")


def distil(edit: editing.distil, d: Diagram) -> Step:
    name = one_new(d, "distil", edit.declare)
    goal = edit.goal or f"distil_{name}"
    on = f" on {edit.on}" if edit.on else ""
    after = copied(d, Changes())
    read_into(after, edit.declare, "distil")
    if after.roles[name] != "model":
        raise DiagramError(f"distil: `{name}` is to be a model, which is trained to be the composite", name)
    read_into(after, f"goal {goal} : {name} = {edit.of}{on} by {edit.by} train {name}", "distil")
    return checked_step(d, after, functor_of(d, after), "distil")


def remove(edit: editing.remove, d: Diagram) -> Step:
    gone = {key_of(d, "remove", name) for name in edit.declarations}
    required(d, "remove", gone, "remove these too, or restrict to what is to stay")
    return _without(d, gone, "remove")


def restrict(edit: editing.restrict, d: Diagram) -> Step:
    known = {name: kind for kind, table in tables(d).items() if kind != "style" for name in table}
    stack = [key_of(d, "restrict", name) for name in edit.declarations]
    kept: set[Key] = set()
    while stack:
        key = stack.pop()
        if key not in kept:
            kept.add(key)
            made_of = mentions(d, key)
            if key[0] == "stage":
                made_of |= {*d.stages[key[1]].by, *d.stages[key[1]].train}
            if key[0] == "goal":
                made_of |= set(d.goals[key[1]].train or ())
            stack += [(known[name], name) for name in made_of]
    gone = {(kind, name) for name, kind in known.items()} - kept
    return _without(d, gone, "restrict")


def _without(d: Diagram, gone: set[Key], verb: str) -> Step:
    models: dict[str, tuple[str, ...]] = {name: () for kind, name in gone if kind == "generator"}
    after = copied(d, Changes(skip=gone, models=models), verb)
    return checked_step(d, after, functor_of(after, d), verb)


def rename(edit: editing.rename, d: Diagram) -> Step:
    names: dict[str, str] = {}
    for old, new in edit.table:
        _, found = key_of(d, "rename", old)
        if found in names:
            raise DiagramError(f"rename: `{found}` is given two names, `{names[found]}` and `{new}`", found)
        names[found] = normalize("NFKC", new)
    for new in names.values():
        takers = [old for old in names if names[old] == new]
        if len(takers) > 1:
            raise DiagramError(f"rename: {quoted(takers)} would both be `{new}`; tie makes two maps one", takers[0])
        if new in d and new not in names:
            raise DiagramError(f"rename: there is a `{new}` in {d.name} already; rename that too", new)
    after = copied(d, Changes(names=names), "rename")
    objects = {old: new for old, new in names.items() if old in d.sorts}
    images = {old: new for old, new in names.items() if old in d.generators}
    return checked_step(d, after, functor_of(d, after, objects, images), "rename")


# One map or two --------------------------------------------------------------------------------------------------


def tie(edit: editing.tie, d: Diagram) -> Step:
    _, name = key_of(d, "tie", edit.name, ("generator",))
    others = [key_of(d, "tie", each, ("generator",))[1] for each in edit.others]
    mine, role, spec = d.generators[name], d.roles[name], d.specs.get(name)
    lines: dict[Key, str] = {}
    for other in others:
        theirs = d.generators[other]
        if other == name:
            raise DiagramError(f"tie: `{name}` is tied with itself; name another one", name)
        for here, there, rule in (
            (f"{mine.dom} -> {mine.cod}", f"{theirs.dom} -> {theirs.cod}", "has the same ends"),
            (role, d.roles[other], "has one role"),
        ):
            if here != there:
                raise DiagramError(f"tie: `{name}` is {here}, and `{other}` is {there}; what is tied {rule}", name)
        new = d.specs.get(other)
        if spec is None:
            spec = new
        elif new is not None and not same_realisation(spec, new):
            raise DiagramError(
                f"tie: `{name}` is {spec}, and `{other}` is {new}; what is tied has one realisation", name
            )
    names = dict.fromkeys(others, name)
    skip = {(kind, other) for other in others for kind in ("generator", "style")}
    after = copied(d, Changes(skip=skip, lines=lines, names=names, specs={name: spec} if spec else {}), "tie")
    return checked_step(d, after, functor_of(d, after, images=names), "tie")


def untie(edit: editing.untie, d: Diagram) -> Step:
    _, name = key_of(d, "untie", edit.name, ("generator",))
    new = normalize("NFKC", edit.new)
    if new in d:
        raise DiagramError(f"untie: there is a `{new}` in {d.name} already; the twin needs a name of its own", new)
    m, spec = d.generators[name], d.specs.get(name)
    lines: dict[Key, str] = {}
    local: dict[str, dict[str, str]] = {}
    for entry in edit.equations:
        if normalize("NFKC", entry).isidentifier():
            kind, equation = key_of(d, "untie", entry, ("goal", "measure", "law"))
            it = tables(d)[kind][equation]
            if name not in names_in(it.left, it.right, *getattr(it, "on", ())):
                raise DiagramError(
                    f"untie: `{name}` is not in {kind} `{equation}`, so that no twin stands there", equation
                )
            local[equation] = {name: new}
        else:
            found = declared_in(entry, "untie")
            if len(found) != 1 or found[0][0] not in ("goal", "measure", "law") or len(found[0][1]) != 1:
                raise DiagramError(f"untie: `{entry}` is neither the name of a goal, measure or law nor one as text")
            key = key_of(d, "untie", found[0][1][0], (found[0][0],))
            lines[key] = found[0][2]
    role = "model" if d.roles[name] == "ema" else d.roles[name]
    realised = "" if spec is None else f" = {argument(carried_spec(spec, name, new, str, None, None))}"
    twin = {("generator", name): [f"{role} {new} : {m.dom} -> {m.cod}{realised}"]}
    # A stage that trains the one trains its twin too.
    after = copied(d, Changes(lines=lines, extra=twin, local=local), "untie")
    stages = {
        ("stage", stage.name): _with_twin(after, stage.name, name, new)
        for stage in d.stages.values()
        if name in stage.train
    }
    if stages:
        after = copied(d, Changes(lines={**lines, **stages}, extra=twin, local=local), "untie")
    functor = functor_of(after, d, images={new: name})
    for kind, equation in lines:
        it, was = tables(after)[kind][equation], tables(d)[kind][equation]
        for note in ("by", "weight"):
            if getattr(it, note, None) != getattr(was, note, None):
                raise DiagramError(
                    f"untie: {kind} `{equation}` has {note} {getattr(was, note)}, and as text {getattr(it, note)}; a "
                    "twin changes names only",
                    equation,
                )
        now = (functor(it.left), functor(it.right), *map(functor, getattr(it, "on", ())))
        before = (was.left, was.right, *getattr(was, "on", ()))
        if now != before:
            raise DiagramError(
                f"untie: with `{new}` read as `{name}`, {kind} `{equation}` would be {now[0]} = {now[1]}, and it is "
                f"{before[0]} = {before[1]}; a twin changes names only",
                equation,
            )
    return checked_step(d, after, functor, "untie")


def _with_twin(after: Diagram, stage: str, name: str, new: str) -> str:
    it = after.stages[stage]
    train = ", ".join(f"{each}, {new}" if each == name else each for each in it.train)
    lasts = "".join(f" {word} {n}" for word, n in (("epochs", it.epochs), ("steps", it.steps)) if n is not None)
    return f"stage {stage} : train {train} by {', '.join(it.by)}{lasts}"


# Roles -----------------------------------------------------------------------------------------------------------


def freeze(edit: editing.freeze, d: Diagram) -> Step:
    names = [key_of(d, "freeze", name, ("generator",))[1] for name in edit.models]
    for follower, average in d.averages.items():
        if average.model in names:
            raise DiagramError(
                f"freeze: `{follower}` follows `{average.model}`, and an average follows a model; remove `{follower}` "
                "first, or leave the model one",
                follower,
            )
    return _turned(d, "freeze", names, "model", "frozen")


def thaw(edit: editing.thaw, d: Diagram) -> Step:
    names = [key_of(d, "thaw", name, ("generator",))[1] for name in edit.maps]
    return _turned(d, "thaw", names, "frozen", "model")


def _turned(d: Diagram, verb: str, names: Iterable[str], old: str, new: str) -> Step:
    lines: dict[Key, str] = {}
    here = lines_of(d)
    for name in names:
        if d.roles[name] != old:
            raise DiagramError(f"{verb}: `{name}` is {_role(d.roles[name])}; only {_role(old)} is {_done(verb)}", name)
        lines["generator", name] = new + here["generator", name].removeprefix(old)
    models: dict[str, tuple[str, ...]] = dict.fromkeys(names, ()) if verb == "freeze" else {}
    after = copied(d, Changes(lines=lines, models=models), verb)
    return checked_step(d, after, functor_of(d, after), verb)


def _done(verb: str) -> str:
    return {"freeze": "frozen", "thaw": "thawed"}[verb]


def _role(role: str) -> str:
    return {
        "data": "data",
        "noise": "noise",
        "ema": "an average",
        "model": "a model",
        "map": "a map without a role",
    }.get(role, f"a {role} map")


# Single declarations ---------------------------------------------------------------------------------------------


def rewrite(edit: editing.rewrite, d: Diagram) -> Step:
    here = lines_of(d)
    places = {line: key for key, line in here.items()}
    gone: set[Key] = set()
    for line in edit.removed:
        if line not in places:
            known = [name for _, names, _ in declared_in(line, "rewrite") for name in names]
            now = next((each for (_, name), each in here.items() if name in known), None)
            what = "is not declared" if now is None else f"is now `{now}`"
            raise DiagramError(f"rewrite: `{line}` {what} in {d.name}, so that it cannot be taken out")
        gone.add(places[line])
    back = [_declared_by(line) for _, line in edit.added]
    extra: dict[Key, list[str]] = {}
    for (previous, line), (kind, _) in zip(edit.added, back, strict=True):
        kept = [name for name in tables(d)[kind] if (kind, name) not in gone]
        # Where what it followed is not there any more, it comes last.
        known = previous in ("", *kept) or (kind, previous) in back
        extra.setdefault((kind, previous if known else (["", *kept])[-1]), []).append(line)
    names = {name for _, name in back}
    required(d, "rewrite", gone, "the edit does not fit what was added since", names)
    after = copied(d, Changes(skip=gone, extra=extra), "rewrite")
    source, target = (d, after) if edit.forward else (after, d)
    objects = {name: image for name, image in edit.sends if name in source.sorts}
    images = {name: target.parse(image) for name, image in edit.sends if name in source.generators}
    functor = functor_of(source, target, objects, images)
    numbers = {place_of(after, "rewrite", new): place_of(d, "rewrite", old) for new, old in edit.numbers}
    return checked_step(d, after, functor, "rewrite", numbers)


def _declared_by(line: str) -> Key:
    found = declared_in(line, "rewrite")
    if len(found) != 1 or len(found[0][1]) != 1:
        raise DiagramError(f"rewrite: `{line}` is not one declaration")
    return found[0][0], found[0][1][0]
