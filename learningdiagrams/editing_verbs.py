"""What each edit does to a diagram: the diagram after it, and the functor between the two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from learningdiagrams.diagram import Diagram
from learningdiagrams.editing_matching import folded
from learningdiagrams.editing_parts import (
    KINDS,
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
from learningdiagrams.editing_steps import Place, Step, checked_step
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.gluing_notes import same_realisation
from learningdiagrams.interpretation import Interpretation
from learningdiagrams.interpretation_roles import generators_used
from learningdiagrams.theory.failures import listed
from learningdiagrams.theory.morphisms import Generator, Morphism, Object
from learningdiagrams.theory.terms import substitute

if TYPE_CHECKING:
    from learningdiagrams import editing

# Names -----------------------------------------------------------------------------------------------------------


def _key(d: Diagram, verb: str, name: str, among: Iterable[str] = KINDS[:6]) -> Key:
    """The declaration of this name."""
    name = normalize("NFKC", name)
    found = {kind: table for kind, table in tables(d).items() if kind in set(among)}
    for kind, table in found.items():
        if name in table:
            return kind, name
    other = next((kind for kind, table in tables(d).items() if name in table and kind != "style"), None)
    if other is not None:
        raise DiagramError(f"{verb}: `{name}` of {d.name} is {_a(other)}, not {' or '.join(map(_a, found))}", name)
    near = suggestion(name, [each for table in found.values() for each in table])
    what = _a(next(iter(found))).split()[1] + " " if len(found) == 1 else ""
    raise DiagramError(f"{verb}: there is no {what}`{name}` in {d.name}{near}")


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "object" else f"a {kind}"


def _quoted(names: Iterable[str]) -> str:
    return listed(list(names))


def _required(d: Diagram, verb: str, gone: set[Key], hint: str, back: Iterable[str] = ()) -> None:
    """Raises where what stays is made of what goes and does not come `back`."""
    lost = [name for kind in KINDS[:2] for name in tables(d)[kind] if (kind, name) in gone and name not in set(back)]
    made_of = {(kind, each): mentions(d, (kind, each)) for kind, table in tables(d).items() for each in table} if lost else {}
    for name in lost:
        users = [key for key, parts in made_of.items() if key not in gone and name in parts]
        if users:
            raise DiagramError(f"{verb}: `{name}` is needed by {_quoted(each for _, each in users)}; {hint}", name)


def _one_new(d: Diagram, verb: str, text: str) -> str:
    """The name of the one generator that a text declares."""
    found = [name for kind, names, _ in declared_in(text, verb) if kind == "generator" for name in names]
    if len(found) != 1:
        raise DiagramError(
            f'{verb}: the text declares one map, such as "model adapter : Feature -> Feature = linear(16, 16)", and '
            f"this declares {_quoted(found) if found else 'none'}"
        )
    return normalize("NFKC", found[0])


# Functors --------------------------------------------------------------------------------------------------------


def _functor(
    source: Diagram, target: Diagram, objects: Mapping[str, str] | None = None, images: Mapping[str, Any] | None = None
) -> Interpretation:
    """The functor with these images; what is not said goes to what has its name."""
    objects, images = objects or {}, images or {}
    sorts = {name: target.sorts[objects.get(name, name)] for name in source.sorts}
    found = {
        name: images[name] if isinstance(images.get(name), Morphism) else target.generators[images.get(name, name)]
        for name in source.generators
    }
    made = Interpretation.between(source, target, sorts, found)
    assert isinstance(made, Interpretation)
    return made


# More and less ---------------------------------------------------------------------------------------------------


def add(edit: editing.add, d: Diagram) -> Step:
    if not declared_in(edit.text, "add"):
        raise DiagramError("add: the text declares nothing; write a declaration, such as goal fit : x >> f = y")
    after = copied(d, Changes())
    read_into(after, edit.text, "add")
    return checked_step(d, after, _functor(d, after), "add")


def distil(edit: editing.distil, d: Diagram) -> Step:
    name = _one_new(d, "distil", edit.declare)
    goal = edit.goal or f"distil_{name}"
    on = f" on {edit.on}" if edit.on else ""
    after = copied(d, Changes())
    read_into(after, edit.declare, "distil")
    if after.roles[name] != "model":
        raise DiagramError(f"distil: `{name}` is to be a model, which is trained to be the composite", name)
    read_into(after, f"goal {goal} : {name} = {edit.of}{on} by {edit.by} train {name}", "distil")
    return checked_step(d, after, _functor(d, after), "distil")


def remove(edit: editing.remove, d: Diagram) -> Step:
    gone = {_key(d, "remove", name) for name in edit.declarations}
    _required(d, "remove", gone, "remove these too, or restrict to what is to stay")
    return _without(d, gone, "remove")


def restrict(edit: editing.restrict, d: Diagram) -> Step:
    known = {name: kind for kind, table in tables(d).items() if kind != "style" for name in table}
    stack = [_key(d, "restrict", name) for name in edit.declarations]
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
    return checked_step(d, after, _functor(after, d), verb)


def rename(edit: editing.rename, d: Diagram) -> Step:
    names: dict[str, str] = {}
    for old, new in edit.table:
        _, found = _key(d, "rename", old)
        if found in names:
            raise DiagramError(f"rename: `{found}` is given two names, `{names[found]}` and `{new}`", found)
        names[found] = normalize("NFKC", new)
    for new in names.values():
        takers = [old for old in names if names[old] == new]
        if len(takers) > 1:
            raise DiagramError(f"rename: {_quoted(takers)} would both be `{new}`; tie makes two maps one", takers[0])
        if new in d and new not in names:
            raise DiagramError(f"rename: there is a `{new}` in {d.name} already; rename that too", new)
    after = copied(d, Changes(names=names), "rename")
    objects = {old: new for old, new in names.items() if old in d.sorts}
    images = {old: new for old, new in names.items() if old in d.generators}
    return checked_step(d, after, _functor(d, after, objects, images), "rename")


# Composites ------------------------------------------------------------------------------------------------------


def replace(edit: editing.replace, d: Diagram, verb: str = "replace") -> Step:
    _, name = _key(d, verb, edit.name, ("generator",))
    extra: dict[Key, list[str]] = {}
    anchor = {"object": ("object", list(d.sorts)[-1])}
    for kind, names, text in declared_in(edit.declare, verb):
        if kind not in ("object", "generator"):
            raise DiagramError(f"{verb}: `{text}` is not declared here; only maps and objects are (add declares more)")
        if name in names:
            raise DiagramError(f"{verb}: `{name}` is there already; remove it before it is declared another way", name)
        key = anchor.setdefault(kind, ("generator", name))
        extra.setdefault(key, []).append(text)
        anchor[kind] = (kind, normalize("NFKC", names[-1])) if names else key
    # The composite is read where all of its maps are there beside the one that it replaces.
    whole = copied(d, Changes(extra=extra), verb)
    image = whole.parse(edit.by)
    old = whole.generators[name]
    if (image.dom, image.cod) != (old.dom, old.cod):
        raise DiagramError(
            f"{verb}: `{name}` is {old.dom} -> {old.cod}, and `{edit.by}` is {image.dom} -> {image.cod}; what stands "
            "for a map has its ends",
            name,
        )
    stays = name in {generator.name for generator in generators_used(image)}
    if not stays:
        followers = [
            each for each, spec in d.specs.items() for field in spec.names if str(getattr(spec, field)) == name
        ]
        if followers:
            raise DiagramError(
                f"{verb}: `{followers[0]}` is {d.specs[followers[0]]}, and `{name}` would be no generator any more; "
                f"remove `{followers[0]}` first, or rewrite it",
                name,
            )
    models = tuple(each.name for each in generators_used(image) if whole.roles[each.name] == "model")
    after = copied(
        d,
        Changes(
            skip=set() if stays else {("generator", name), ("style", name)},
            extra=extra,
            images=lambda after: {name: after.parse(edit.by)},
            models={name: models},
        ),
        verb,
    )
    functor = _functor(d, after, images={name: after.parse(edit.by)})
    places: dict[Place, Place] = {}
    for new, mine in edit.numbers:
        places[_place(after, verb, new)] = (name, mine)
    return checked_step(d, after, functor, verb, places)


def _place(d: Diagram, verb: str, text: str) -> Place:
    """The generator and the parameter of `generator.parameter`."""
    name, dot, key = text.partition(".")
    if not dot or name not in d.generators:
        near = suggestion(name, d.generators) if dot else "; a parameter is written generator.parameter"
        raise DiagramError(f"{verb}: numbers: `{text}` is no parameter of {d.name}{near}")
    return name, key


def insert(edit: editing.insert, d: Diagram) -> Step:
    from learningdiagrams.editing import replace as replacement

    new = _one_new(d, "insert", edit.declare)
    if edit.after is not None:
        by, name = f"{edit.after} >> {new}", edit.after
    else:
        by, name = f"{new} >> {edit.before}", str(edit.before)
    return replace(replacement(name, by, edit.declare), d, "insert")


def fold(edit: editing.fold, d: Diagram) -> Step:
    whole = copied(d, Changes())
    if edit.declare:
        name = _one_new(d, "fold", edit.declare)
        if name != normalize("NFKC", edit.name):
            raise DiagramError(f"fold: the text declares `{name}`, and what is folded into is `{edit.name}`")
    else:
        _, name = _key(d, "fold", edit.name, ("generator",))
    composite = d.parse(edit.of)
    if edit.declare:
        # It stands where the first of its parts stood.
        parts = [generator.name for generator in generators_used(composite)]
        first = min(parts, key=list(d.generators).index, default="")
        place = list(d.generators).index(first) if first else 0
        previous = list(d.generators)[place - 1] if place else ""
        whole = copied(d, Changes(extra={("generator", previous): [edit.declare]}), "fold")
    elif not d.prove(d.generators[name], composite, max_seconds=2.0):
        raise DiagramError(
            f"fold: nothing in {d.name} says that `{name}` = `{edit.of}`; declare a new map for it, or have one "
            "trained to be it first (distil)",
            name,
        )
    generator = whole.generators[name]
    pattern = whole.parse(edit.of)
    if (generator.dom, generator.cod) != (pattern.dom, pattern.cod):
        raise DiagramError(
            f"fold: `{name}` is {generator.dom} -> {generator.cod}, and `{edit.of}` is {pattern.dom} -> "
            f"{pattern.cod}; what stands for a composite has its ends",
            name,
        )
    gone = set()
    if not edit.declare:
        # The goals that say that the map is the composite have done their work.
        same = (generator, pattern)
        gone = {("goal", each.name) for each in whole.goals.values() if (each.left, each.right) in (same, same[::-1])}
    sides = {}
    for kind in ("law", "goal", "measure"):
        for it in tables(whole)[kind].values():
            if (kind, it.name) not in gone:
                sides[it.name] = (
                    folded(it.left, pattern, generator),
                    folded(it.right, pattern, generator),
                    tuple(folded(m, pattern, generator) for m in getattr(it, "on", ())),
                )
    gone |= _unneeded(whole, pattern, name, sides)
    models: dict[str, tuple[str, ...]] = {
        each.name: (name,) if whole.roles[name] == "model" else ()
        for each in generators_used(pattern)
        if ("generator", each.name) in gone
    }
    after = copied(whole, Changes(skip=gone, sides=sides, models=models), "fold")
    images = {name: composite} if edit.declare else {}
    places = {(name, mine): _place(d, "fold", part) for part, mine in edit.numbers}
    return checked_step(d, after, _functor(after, d, images=images), "fold", places)


def _unneeded(
    whole: Diagram, pattern: Morphism, name: str, sides: Mapping[str, tuple[Morphism, Morphism, tuple[Morphism, ...]]]
) -> set[Key]:
    """The parts of a composite that nothing needs any more, with the objects that only they had."""
    parts = [generator.name for generator in generators_used(pattern) if generator.name != name]
    used = {each for left, right, on in sides.values() for each in names_in(left, right, *on)}
    gone = {each for each in parts if each not in used}
    changed = True
    while changed:
        needed = {
            each for other in whole.generators if other not in gone for each in mentions(whole, ("generator", other))
        }
        changed = bool(gone & needed)
        gone -= needed
    ends = {factor.name for each in gone for end in _ends(whole.generators[each]) for factor in end.factors}
    left = {factor.name for each, m in whole.generators.items() if each not in gone for end in _ends(m) for factor in end.factors}
    return {*(("generator", each) for each in gone), *(("object", each) for each in ends - left - used)}


def _ends(morphism: Morphism) -> tuple[Object, Object]:
    return morphism.dom, morphism.cod


# One map or two --------------------------------------------------------------------------------------------------


def tie(edit: editing.tie, d: Diagram) -> Step:
    _, name = _key(d, "tie", edit.name, ("generator",))
    others = [_key(d, "tie", each, ("generator",))[1] for each in edit.others]
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
            raise DiagramError(f"tie: `{name}` is {spec}, and `{other}` is {new}; what is tied has one realisation", name)
    names = dict.fromkeys(others, name)
    skip = {(kind, other) for other in others for kind in ("generator", "style")}
    after = copied(d, Changes(skip=skip, lines=lines, names=names, specs={name: spec} if spec else {}), "tie")
    return checked_step(d, after, _functor(d, after, images=names), "tie")


def untie(edit: editing.untie, d: Diagram) -> Step:
    _, name = _key(d, "untie", edit.name, ("generator",))
    new = normalize("NFKC", edit.new)
    if new in d:
        raise DiagramError(f"untie: there is a `{new}` in {d.name} already; the twin needs a name of its own", new)
    m, spec = d.generators[name], d.specs.get(name)
    lines: dict[Key, str] = {}
    local: dict[str, dict[str, str]] = {}
    for entry in edit.equations:
        if normalize("NFKC", entry).isidentifier():
            kind, equation = _key(d, "untie", entry, ("goal", "measure", "law"))
            it = tables(d)[kind][equation]
            if name not in names_in(it.left, it.right, *getattr(it, "on", ())):
                raise DiagramError(f"untie: `{name}` is not in {kind} `{equation}`, so that no twin stands there", equation)
            local[equation] = {name: new}
        else:
            found = declared_in(entry, "untie")
            if len(found) != 1 or found[0][0] not in ("goal", "measure", "law") or len(found[0][1]) != 1:
                raise DiagramError(f"untie: `{entry}` is neither the name of a goal, measure or law nor one as text")
            key = _key(d, "untie", found[0][1][0], (found[0][0],))
            lines[key] = found[0][2]
    twin = {("generator", name): [lines_of(d)["generator", name].replace(f" {name} :", f" {new} :", 1)]}
    if spec is not None:
        from learningdiagrams.gluing_notes import carried_spec
        from learningdiagrams.language.writing import argument

        made = carried_spec(spec, name, new, lambda each: each, None, None)
        role = "model" if d.roles[name] == "ema" else d.roles[name]
        twin = {("generator", name): [f"{role} {new} : {m.dom} -> {m.cod} = {argument(made)}"]}
    # A stage that trains the one trains its twin too.
    after = copied(d, Changes(lines=lines, extra=twin, local=local), "untie")
    stages = {
        ("stage", stage.name): _with_twin(after, stage.name, name, new)
        for stage in d.stages.values()
        if name in stage.train
    }
    if stages:
        after = copied(d, Changes(lines={**lines, **stages}, extra=twin, local=local), "untie")
    functor = _functor(after, d, images={new: name})
    for kind, equation in lines:
        it, was = tables(after)[kind][equation], tables(d)[kind][equation]
        for note in ("by", "weight"):
            if getattr(it, note, None) != getattr(was, note, None):
                raise DiagramError(
                    f"untie: {kind} `{equation}` has {note} {getattr(was, note)}, and as text {getattr(it, note)}; a twin "
                    "changes names only",
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
    names = [_key(d, "freeze", name, ("generator",))[1] for name in edit.models]
    for follower, average in d.averages.items():
        if average.model in names:
            raise DiagramError(
                f"freeze: `{follower}` follows `{average.model}`, and an average follows a model; remove `{follower}` "
                "first, or leave the model one",
                follower,
            )
    return _turned(d, "freeze", names, "model", "frozen")


def thaw(edit: editing.thaw, d: Diagram) -> Step:
    names = [_key(d, "thaw", name, ("generator",))[1] for name in edit.maps]
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
    return checked_step(d, after, _functor(d, after), verb)


def _done(verb: str) -> str:
    return {"freeze": "frozen", "thaw": "thawed"}[verb]


def _role(role: str) -> str:
    return {"data": "data", "noise": "noise", "ema": "an average", "model": "a model", "map": "a map without a role"}.get(
        role, f"a {role} map"
    )


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
    _required(d, "rewrite", gone, "the edit does not fit what was added since", names)
    after = copied(d, Changes(skip=gone, extra=extra), "rewrite")
    source, target = (d, after) if edit.forward else (after, d)
    objects = {name: image for name, image in edit.sends if name in source.sorts}
    images = {name: target.parse(image) for name, image in edit.sends if name in source.generators}
    functor = _functor(source, target, objects, images)
    numbers = {_place(after, "rewrite", new): _place(d, "rewrite", old) for new, old in edit.numbers}
    return checked_step(d, after, functor, "rewrite", numbers)


def _declared_by(line: str) -> Key:
    found = declared_in(line, "rewrite")
    if len(found) != 1 or len(found[0][1]) != 1:
        raise DiagramError(f"rewrite: `{line}` is not one declaration")
    return found[0][0], found[0][1][0]
