"""Catlab's values and verdicts beside ours, through juliacall.

Presentations, functors, diagrams of presentations, C-sets, their homomorphisms and learning diagrams go to a running
Julia and come back (:func:`to_catlab`, :func:`from_catlab`). Catlab 0.17 gives a second opinion on colimits of C-sets
and of functors that send generators to generators (:func:`pushout`, :func:`coproduct`, :func:`coequalizer`,
:func:`colimit`), and on functors (:func:`functoriality`); and it draws (:func:`draw`).

Julia is started when it is first needed, once; that it is missing is an error of one line. Without it there are the
JSON forms (:func:`to_json`, :func:`from_json`) and the Julia programs (:func:`julia_text`).

>>> from learningdiagrams.theory import Presentation
>>> P = Presentation("Loop")
>>> (X,) = P.objects("X")
>>> t = P.morphism("t", X, X)
>>> to_json(P) == to_json(from_json(to_json(P)))
True
"""

from learningdiagrams.theory.catlab.exchange import (
    AttrVar,
    CatlabError,
    Disagreement,
    EquationOpinion,
    Functoriality,
    Opinion,
    PresentationDiagram,
    Schema,
    SecondedColimit,
    SecondedCSetColimit,
    bridge,
    coequalizer,
    colimit,
    coproduct,
    draw,
    from_catlab,
    from_json,
    from_sexpr,
    functoriality,
    julia_text,
    pushout,
    seconded,
    to_catlab,
    to_json,
    to_sexpr,
)

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
