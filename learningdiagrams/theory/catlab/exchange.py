"""To a running Catlab and back; and what it draws."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from learningdiagrams.theory.catlab.acsets import AttrVar, Schema, from_sexpr, schema_form, to_sexpr
from learningdiagrams.theory.catlab.bridge import CatlabError, bridge
from learningdiagrams.theory.catlab.forms import (
    PresentationDiagram,
    dumped,
    from_json,
    read_form,
    to_json,
    wiring_form,
)
from learningdiagrams.theory.catlab.opinions import (
    Disagreement,
    EquationOpinion,
    Functoriality,
    Opinion,
    SecondedColimit,
    SecondedCSetColimit,
    coequalizer,
    colimit,
    coproduct,
    functoriality,
    pushout,
    seconded,
)
from learningdiagrams.theory.catlab.programs import julia_text
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.morphisms import Morphism

__all__ = [
    "AttrVar",
    "CatlabError",
    "Disagreement",
    "EquationOpinion",
    "Functoriality",
    "Opinion",
    "PresentationDiagram",
    "Schema",
    "SecondedCSetColimit",
    "SecondedColimit",
    "bridge",
    "coequalizer",
    "colimit",
    "coproduct",
    "draw",
    "from_catlab",
    "from_json",
    "from_sexpr",
    "functoriality",
    "julia_text",
    "pushout",
    "seconded",
    "to_catlab",
    "to_json",
    "to_sexpr",
]


def to_catlab(value: Any) -> Any:
    """The value in the running Julia: a `Presentation`, `FinFunctor`, ACSet, `ACSetTransformation` …

    A diagram of presentations becomes a functor to `FinCatC()`, a learning diagram a named tuple with its
    `presentation`, `roles` and `goals`. :func:`julia_text` is the program that is run.

    Raises :class:`TheoryError` for what Catlab has not (products) and for C-sets that are no models, which Catlab
    would take without a word; :class:`CatlabError` where there is no Julia.
    """
    return bridge().run(julia_text(value))


def from_catlab(value: Any) -> Any:
    """The presentation, functor, C-set, homomorphism or diagram that a value of the running Julia is.

    A `FinCat` is read as its presentation. Raises :class:`TheoryError` for a C-set that violates the equations of
    its schema, :class:`CatlabError` for any other value.
    """
    form = json.loads(bridge().export("value_json", value))
    if form.get("kind") == "learning diagram":
        return _learning_diagram(form)
    return read_form(form)


def _learning_diagram(form: Mapping[str, Any]) -> Any:
    """The diagram of our form, if the presentation in Julia is still the one that it had."""
    from learningdiagrams.language.json_form import loads_json

    diagram = loads_json(form["diagram"], file="<Catlab>")
    ours = schema_form(diagram.presentation)
    for key in ("Ob", "Hom", "equations"):
        # Catlab keeps no names of equations.
        there, here = ([{**it, "name": it["name"] if key != "equations" else None} for it in given[key]]
                       for given in (form["schema"], ours))  # fmt: skip
        if there != here:
            raise TheoryError(
                f"the presentation was changed in Julia (`{key}`), so that its roles and goals may not fit it; "
                "take the presentation alone: from_catlab(value.presentation)"
            )
    return diagram


# Pictures ----------------------------------------------------------------------------------------------------


def draw(value: Any, file: str | Path | None = None) -> str:
    """A picture by Catlab: of a presentation or a learning diagram by Graphviz, of a morphism as a wiring diagram.

    The text of the picture, which is written to `file` as well: `.dot`, or `.svg`, for which Julia needs a
    Graphviz (on the path, or Graphviz_jll). Without a file it is DOT.
    """
    ending = ".dot" if file is None else Path(file).suffix
    if ending not in (".dot", ".svg"):
        raise TheoryError(f"{file}: Catlab draws .dot and .svg here")
    julia = bridge()
    if isinstance(value, Morphism):
        there = julia.export("wiring_diagram", dumped(wiring_form(value)))
    else:
        there = to_catlab(value.presentation if hasattr(value, "goals") else value)
    text = str(julia.export(f"{ending[1:]}_text", julia.ask("x -> to_graphviz(x)", there)))
    if file is not None:
        Path(file).write_text(text, encoding="utf-8")
    return text
