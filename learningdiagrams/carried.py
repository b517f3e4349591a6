"""Defects carried along an interpretation: how far a trained whole can be from what a part of it asks.

An interpretation of A in B sends each law and goal of A to an equation that the laws and goals of B prove. So what B's
goals are off, where the proof uses them, bounds what A's are off when they are read in B, which is what they are off in
the A that is pulled back (:mod:`learningdiagrams.bounds` follows the proofs). Beside each bound stand the distance
itself, in the same metric, and the residual that the pulled-back A measures by its own comparator.

>>> import numpy as np
>>> from learningdiagrams.interpretation import interpret
>>> from learningdiagrams.language import loads
>>> part = loads('''
... diagram Regression
... object S, X, Y
... data  x : S -> X
... data  y : S -> Y
... model f : X -> Y
... goal  fit : x >> f = y
... ''')
>>> whole = loads('''
... diagram Cascade
... object S, X[2], Z[3], Y[1]
... data  x : S -> X
... data  z : S -> Z
... data  y : S -> Y
... model encode : X -> Z = linear(2, 3)
... model decode : Z -> Y = linear(3, 1)
... goal  first  : x >> encode = z
... goal  second : z >> decode = y
... ''')
>>> i = interpret(part, whole, morphisms={"f": "encode >> decode"})
>>> rng = np.random.default_rng(0)
>>> data = {"x": rng.normal(size=(20, 2)), "z": rng.normal(size=(20, 3)), "y": rng.normal(size=(20, 1))}
>>> found = i.bounds(whole.compile("torch", dtype="float64"), data)
>>> fit = found["fit"]
>>> print(fit)
x >> encode >> decode = y: ... ≤ ... = ... [decode] · ‖first‖ + ‖second‖ (estimated on these rows: decode ...)
>>> fit.measured <= fit.bound, abs(found.residuals["fit"] - fit.measured**2) < 1e-9
(True, True)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from learningdiagrams.bounds import Bound
from learningdiagrams.data import as_data
from learningdiagrams.declarations import possible_on
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.examination import players
from learningdiagrams.examined import answer, bounded, first_rows, premises_in_turn
from learningdiagrams.interpretation.pullback import _in, required
from learningdiagrams.plan import sampled
from learningdiagrams.tables import table
from learningdiagrams.theory.deciding import Proved
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.theory.showing import Printed

if TYPE_CHECKING:
    from learningdiagrams.agreement import Residuals
    from learningdiagrams.compiled import Compiled
    from learningdiagrams.diagram import Diagram
    from learningdiagrams.interpretation import Interpretation

__all__ = ["Carried", "carried"]

PLAYED = "it is a move in a game, which holds for nobody in the end, so that nothing proves it"
LATE = "it was not decided in time whether it follows"


class Asked(NamedTuple):
    """A law or goal of the part, out of a sample object or out of 1: its name, with a number where it is several."""

    name: str
    source: str
    left: Morphism
    right: Morphism


@dataclass(frozen=True)
class Carried(Printed):
    """The laws and goals of a part, read in a trained whole.

    Attributes:
        interpretation: of the part in the whole.
        bounds: for each law and goal of the part its image, how far that is from holding, and how far it can be by its
            proof; one sampled on several morphisms is several, `fit`, `fit#2` … Found by name too: `carried["fit"]`.
        residuals: what the pulled-back part measures on the same rows; None where it cannot be pulled back.
        rows: how many rows of each sample object were looked at.
    """

    interpretation: Interpretation
    bounds: tuple[Bound, ...]
    residuals: Residuals | None
    rows: Mapping[str, int]

    def __getitem__(self, name: str) -> Bound:
        for found in self.bounds:
            if found.name == name:
                return found
        names = [found.name for found in self.bounds]
        raise DiagramError(f"there is no law or goal `{name}` here{suggestion(name, names)}")

    def __iter__(self) -> Iterator[Bound]:
        return iter(self.bounds)

    def __len__(self) -> int:
        return len(self.bounds)

    def __str__(self) -> str:
        i = self.interpretation
        rows = ", ".join(f"{number} of {sample}" for sample, number in self.rows.items())
        title = f"{i.source.name} read in {i.target.name}" + (f", on rows: {rows}" if rows else "")
        if not self.bounds:
            return f"{title}\n{i.source.name} has no laws and no goals"
        cells = []
        for it in self.bounds:
            residual = self._residual(it.name)
            numbers = ["", "", f"none: {it.reason}"]
            if not it.reason:
                numbers = [f"{it.measured:.4g}", f"{it.bound:.4g}", it.told]
            cells.append([it.name, f"{it.left} = {it.right}", residual, *numbers])
        heading = ["", f"in {i.target.name}", "residual", "distance", "bound", "from the proof"]
        return f"{title}\n{table(cells, heading)}"

    def to_json(self) -> list[dict[str, Any]]:
        """The bounds as plain values, each with the residual that the pulled-back part measures."""
        found = self.residuals
        return [
            {**it.to_json(), "residual": None if found is None or it.name not in found else found[it.name]}
            for it in self.bounds
        ]

    def _residual(self, name: str) -> str:
        found = self.residuals
        return f"{found[name]:.4g}" if found is not None and name in found else ""


def carried(
    i: Interpretation,
    compiled: Compiled,
    data: Any = None,
    lipschitz: Mapping[str, float] | None = None,
    rows: int = 1024,
    max_seconds: float = 10.0,
) -> Carried:
    """See :meth:`Interpretation.bounds`."""
    from learningdiagrams.compiled import sources

    required(i, compiled, max_seconds)
    diagram = compiled.diagram
    whole = as_data(diagram, sources(diagram) if data is None else data)
    given = first_rows(whole, rows)
    batch = compiled.draw(given)
    end = monotonic() + max_seconds
    premises, games = premises_in_turn(diagram), players(i.source)
    found = []
    for asked in _asked(i.source):
        left, right = (_in(diagram, i(side)) for side in (asked.left, asked.right))
        verdict = None if asked.source in games else answer(premises, left, right, end)
        if isinstance(verdict, Proved):
            found.append(bounded(compiled, batch, verdict, asked.name, lipschitz))
        else:
            why = PLAYED if asked.source in games else LATE
            found.append(Bound(asked.name, left, right, reason=why))
    sizes = {str(diagram.generators[name].dom): _length(value) for name, value in given.items()}
    return Carried(i, tuple(found), _residuals(i, compiled, given, sizes), sizes)


def _length(value: Any) -> int:
    return len(value[0] if isinstance(value, tuple) else value)


def _asked(part: Diagram) -> Iterator[Asked]:
    """What a part says, along all morphisms by which data reach it."""
    laws = (
        (law, {law.name: () if _starts(part, law.left) else tuple(possible_on(part, law.left.dom))})
        for law in part.laws.values()
    )
    for equation, along in (*laws, *((goal, None) for goal in part.goals.values())):
        for place, (left, right) in enumerate(sampled(equation, along)):
            yield Asked(f"{equation.name}#{place + 1}" if place else equation.name, equation.name, left, right)


def _starts(part: Diagram, side: Morphism) -> bool:
    return not side.dom.factors or side.dom in part.sample_objects


def _residuals(
    i: Interpretation, compiled: Compiled, given: Mapping[str, Any], sizes: Mapping[str, int]
) -> Residuals | None:
    """What the pulled-back part measures on these rows of the whole, if it can be pulled back."""
    try:
        part = i.pull(compiled)
    except DiagramError:
        return None
    numpy, mine = compiled.maps.numpy, {}
    for name, role in i.source.roles.items():
        image = _in(compiled.diagram, i.morphisms[name])
        if role == "data" and str(image.dom) in sizes:
            value = compiled.apply(image, given)
            mine[name] = tuple(map(numpy, value)) if isinstance(value, tuple) else numpy(value)
    return part.residuals(mine)
