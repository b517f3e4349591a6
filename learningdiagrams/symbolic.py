"""What `compile(backend="sympy")` returns: the loss as an expression, laws and goals decided, goals solved.

Nothing here imports SymPy before a diagram is compiled for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn

from learningdiagrams import training
from learningdiagrams.data import draw_noise
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError
from learningdiagrams.formulas import loss_latex
from learningdiagrams.plan import Plan, make_plan
from learningdiagrams.pruning import Pruning
from learningdiagrams.rewriting import Rewriting
from learningdiagrams.theory.morphisms import Generator, Morphism
from learningdiagrams.theory.terms import applications
from learningdiagrams.training.programs import samples_of

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Evaluated
    from learningdiagrams.backends.sympy import Decisions, Solutions, SympyMaps, SympyProgram

__all__ = ["SymbolicCompiled"]

ELSEWHERE: Final = (
    'SymPy computes expressions and has no `{name}`; compile with backend="torch" or backend="jax" for it. Here '
    "there are loss, value_and_grad, latex, decide, solve, apply, parameters, numbers and sample"
)


class MissingHere(DiagramError, AttributeError):
    """Something that numeric backends have and SymPy has not."""


class SymbolicCompiled:
    """A diagram on SymPy.

    A value of an object of shape (n,) is a column `sympy.Matrix`, of shape (m, n) a `Matrix`, of more axes an `Array`;
    of an object without a shape it is an expression, unless layers say otherwise. Parameters and data are real symbols.
    Numbers are exact, and a float is the decimal that it is written as.

    >>> d = Diagram()
    >>> S, X = d.objects("S", "X")
    >>> x, y, f = d.data("x", S, X), d.data("y", S, X), d.model("f", X, X)
    >>> fit = d.goal("fit", x >> f, y)
    >>> import sympy
    >>> a, b = sympy.symbols("a b")
    >>> c = d.compile(backend="sympy", maps={"f": lambda x: a * x + b})
    >>> c.loss({"x": [0, 1], "y": [1, 3]}).total
    (b - 1)**2/2 + (a + b - 3)**2/2
    >>> print(c.solve({"x": [0, 1], "y": [1, 3]}))
    a = 2, b = 1
    >>> print(c.decide())
    fit: at x = 1, y = 1, f.a = -2, f.b = 0 the left is -2, the right 1

    Attributes:
        diagram: what was compiled.
        maps: its maps, with symbols for their parameters.
        step: 0; nothing trains here. It keys noise, and schedules of weights.
        seed: of noise, and of layers' first numbers (`numbers`).
        dtype: of those first numbers.
        rewriting, pruning: as those of :class:`~learningdiagrams.compiled.Compiled`.
    """

    backend: Final = "sympy"
    step: Final = 0

    def __init__(
        self,
        diagram: Diagram,
        maps: SympyMaps,
        seed: int,
        dtype: str,
        rewriting: Rewriting | None = None,
        pruning: Pruning | None = None,
    ) -> None:
        self.diagram = diagram
        self.maps = maps
        self.seed = seed
        self.dtype = dtype
        self.rewriting = rewriting
        self.pruning = pruning
        self._programs: dict[frozenset[str], SympyProgram] = {}

    @property
    def plan(self) -> Plan:
        """The plan of all goals."""
        return make_plan(self.diagram, self.diagram.goals.values(), rewriting=self.rewriting)

    def __repr__(self) -> str:
        return f"<SymbolicCompiled {self.diagram.name} on sympy>"

    def _repr_latex_(self) -> str:
        return f"$$\n{loss_latex(self.diagram)}\n$$"

    def __getattr__(self, name: str) -> NoReturn:
        from learningdiagrams.compiled import Compiled

        if hasattr(Compiled, name) and not name.startswith("_"):
            raise MissingHere(ELSEWHERE.format(name=name))
        raise AttributeError(f"SymbolicCompiled has no attribute {name!r}")

    # The loss --------------------------------------------------------------------------------------------------------

    def loss(self, batch: Mapping[str, Any] | None = None, step: int | None = None) -> Evaluated:
        """The loss at a batch as expressions in the parameters: `total` = Σ weight · term, and `terms`, unweighted.

        Args:
            batch: {data: value}, the first axis the batch: arrays, matrices or lists of numbers and expressions; None
                for one row of symbols. Noise that it does not hold is drawn, as on every backend. The goals of a sample
                object that it lacks are left out.
            step: keys noise and schedules of weights.
        """
        program, values, weights = self._at(batch, step)
        return self._outward(program(values, weights))

    def value_and_grad(
        self, batch: Mapping[str, Any] | None = None, step: int | None = None
    ) -> tuple[Any, dict[str, dict[str, Any]]]:
        """The total, and its gradient {generator: {parameter: expressions}} for the trained maps; with `train` or
        `stop` in goals the gradient field, as on every backend.
        """
        from learningdiagrams.backends.sympy import as_value

        program, values, weights = self._at(batch, step)
        evaluated, gradients = program.value_and_grad(values, weights)
        outward = self.maps.names.outward
        tables = {
            name: {entry: as_value(outward(array)) for entry, array in table.items()}
            for name, table in gradients.items()
        }
        return outward(evaluated.total), tables

    def latex(self, batch: Mapping[str, Any] | None = None, step: int | None = None) -> str:
        """The loss at a batch (None: at one row of symbols) as a LaTeX `aligned` environment, one goal a line."""
        from learningdiagrams.backends.sympy import latex_of

        program, values, weights = self._at(batch, step)
        return latex_of(self._outward(program(values, weights)), weights)

    def _outward(self, evaluated: Evaluated) -> Evaluated:
        outward = self.maps.names.outward
        terms = {name: outward(term) for name, term in evaluated.terms.items()}
        return type(evaluated)(outward(evaluated.total), terms)

    def _at(
        self, batch: Mapping[str, Any] | None, step: int | None
    ) -> tuple[SympyProgram, dict[str, Any], dict[str, float]]:
        """The program for the sample objects that a batch holds, the batch with its noise, and the weights."""
        from learningdiagrams.backends.sympy import SympyProgram

        step = self.step if step is None else step
        drawn = self._drawn(self.sample() if batch is None else batch, step)
        present = frozenset(str(self.diagram.generators[name].dom) for name in drawn)
        if present not in self._programs:
            plan = training.plan_for(self.diagram, present, rewriting=self.rewriting)
            self._programs[present] = SympyProgram(self.maps, plan)
        program = self._programs[present]
        missing = [name for name in program.plan.inputs if name not in drawn]
        if missing:
            user = training.first_use(program.plan, missing[0])
            raise DiagramError(f"the batch lacks `{missing[0]}`, which {user} needs")
        return program, drawn, training.weights_at(self.diagram, program.plan, step)

    def _drawn(self, batch: Mapping[str, Any], step: int) -> dict[str, Any]:
        from learningdiagrams.backends.sympy import batch_values

        return draw_noise(self.diagram, batch_values(self.maps, batch), step, self.seed, dtype=self.dtype)

    # Equations -------------------------------------------------------------------------------------------------------

    def decide(self) -> Decisions:
        """For every law and goal whether it holds identically, whatever its data, variables and parameters are.

        Returns a dictionary by name: True; a `Counterexample`, which is false and holds the numbers; or None where it
        could not be told, with the reason in its `reasons`. Equal means equal wherever both sides are defined, and is
        meant of the equation, whatever the goal's comparator; `stop` is the identity. What data supply is any number,
        and two data generators are independent. A counterexample was computed by the maps themselves.
        """
        from learningdiagrams.backends.sympy import decide

        return decide(self.maps, [*self.diagram.laws.values(), *self.diagram.goals.values()])

    def solve(self, batch: Mapping[str, Any] | None = None, max_seconds: float = 60.0) -> Solutions:
        """The parameters of the trained maps with which all goals hold as equations.

        Returns a list of all real solutions, each a mapping {parameter's symbol: its value by the free ones}; those
        that make a map constant or not invertible say so. [] where there is none. Parameters of other maps stay
        symbols; what holds for special values of them only is in the list's `special`.

        Args:
            batch: the data on which the goals are to hold, exactly; None for all data whatever. The goals of a sample
                object that it lacks are left out.
            max_seconds: the time after which no new step is begun.

        Raises:
            NotDecided: goals that are no polynomial equations, or equations that were not solved; never a list that
                lacks a solution.
        """
        from learningdiagrams.backends.sympy import solve

        goals = list(self.diagram.goals.values())
        if batch is None:
            return solve(self.maps, goals, None, max_seconds)
        drawn = self._drawn(batch, self.step)
        present = frozenset(str(self.diagram.generators[name].dom) for name in drawn)
        chosen = [goal for goal in goals if samples_of(goal) <= present]
        return solve(self.maps, chosen, drawn, max_seconds)

    # Maps and symbols ------------------------------------------------------------------------------------------------

    def apply(self, morphism: str | Morphism, *arguments: Any) -> Any:
        """The value of a morphism, as an expression or matrix.

        Takes one value for each factor of its domain, or, where it starts at a sample object, the values of its data in
        the order in which they are first used, or one dictionary of them; without arguments, symbols stand for them.
        Arrays with one axis more than their object are batches, and then so is what comes out: an array of expressions,
        rows first.
        """
        from learningdiagrams.backends.sympy import applied

        return applied(self.maps, self.diagram.parse(morphism), arguments)

    def parameters(self) -> dict[str, dict[str, Any]]:
        """{generator: {parameter name: its symbol, or matrix of symbols}} of every map."""
        from learningdiagrams.backends.sympy import as_value

        outward = self.maps.names.outward
        return {
            name: {entry: as_value(outward(array)) for entry, array in table.items()}
            for name, table in self.maps.parameters.items()
        }

    def numbers(self, parameters: Mapping[str, Mapping[str, Any]] | None = None) -> dict[Any, Any]:
        """{symbol: number} for `subs`: of parameters as another backend gives them, or of layers' first numbers.

        Raises:
            DiagramError: an unknown map or parameter, or another shape, naming it.
        """
        from learningdiagrams.backends.sympy import numbers_of

        return numbers_of(self.maps, parameters, self.seed, self.dtype)

    def sample(self, rows: int = 1) -> dict[str, Any]:
        """A batch of symbols for all data and noise: `x`, or `x_0` … of a vector; with the row first where there are
        several.
        """
        from learningdiagrams.backends.sympy import symbolic_batch

        return symbolic_batch(self.maps, rows)


def needed(diagram: Diagram) -> list[str]:
    """The maps that goals need, in order; an average needs what it follows."""
    sides = [side for goal in diagram.goals.values() for side in (goal.left, goal.right, *goal.on)]
    heads = [term.head for side in sides for term in applications(side.terms)]
    names = dict.fromkeys(head.name for head in heads if isinstance(head, Generator))
    maps = [name for name in names if diagram.roles[name] not in ("data", "noise")]
    return list(dict.fromkeys(diagram.averages[n].model if n in diagram.averages else n for n in maps))
