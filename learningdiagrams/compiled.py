"""What compiling a diagram returns: the loss, its gradients, every morphism's value, training, residuals.

A :class:`Compiled` joins a diagram, its plans, the maps of one backend and the training loop, which know nothing of
each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from learningdiagrams import agreement, training
from learningdiagrams.backends import backend as find_backend
from learningdiagrams.backends import symbolic as find_symbolic
from learningdiagrams.backends.base import Backend, Evaluated, Maps, Parameters, Program
from learningdiagrams.code import run_code
from learningdiagrams.data import Data, as_batch, as_data, draw_noise, load_sources
from learningdiagrams.declarations import Goal, Measure
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import About, DiagramError, suggestion
from learningdiagrams.examined import Examination, examined
from learningdiagrams.formulas import loss_latex
from learningdiagrams.layers import constant
from learningdiagrams.passes import asked_passes
from learningdiagrams.plan import Plan, make_plan, plan_morphism
from learningdiagrams.pruning import Pruning, pruning_asked
from learningdiagrams.rewriting import Rewriting, rewrite
from learningdiagrams.shapes import Bindings, built_in, check_plan
from learningdiagrams.specs import Code
from learningdiagrams.symbolic import SymbolicCompiled, needed
from learningdiagrams.theory.morphisms import Morphism
from learningdiagrams.training import checkpoints

__all__ = ["Compiled", "compile_diagram"]

DTYPES: Final = ("float32", "float64")


def compile_diagram(
    diagram: Diagram,
    backend: str | Backend = "torch",
    maps: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    dtype: str = "float32",
    device: str | None = None,
    trust: bool | None = None,
    use_laws: bool = False,
    prune: str | None = None,
    passes: str | Iterable[str] = "all",
    recompute: str | Iterable[str] = (),
) -> Compiled | SymbolicCompiled:
    """Compiles the goals of a diagram to one loss on a backend.

    Args:
        backend: "torch", "jax", or a :class:`~learningdiagrams.backends.base.Backend`; or "sympy", which gives a
            :class:`~learningdiagrams.symbolic.SymbolicCompiled`.
        maps: what realises the generators, by name: modules, functions of arrays, layers of `ld.layers`. They go before
            what the diagram itself says (`= mlp(64, 32, 10)`).
        seed: of built-in layers' first numbers, of noise and of the order of rows.
        dtype: "float32" or "float64".
        device: the backend's name of a device; None for its default.
        trust: whether code that the diagram names may be imported; None for what `load` was told.
        use_laws: whether sides of goals are rewritten by laws that mention no trained map, where that takes fewer
            steps (:mod:`learningdiagrams.rewriting`). Evaluation and residuals measure what is written all the same.
        prune: "derivable" leaves out goals that follow from the others, with proof, where that keeps the zero set
            (:mod:`learningdiagrams.pruning`); `pruning` of what is returned says which. Evaluation and residuals
            measure all goals.
        passes: what makes it faster and leaves its numbers as they are, up to rounding: "all", some of "merge",
            "stack", "cache" (:mod:`learningdiagrams.passes`), or `()` for none.
        recompute: the maps whose inner values are not kept for the backward pass but computed again (activation
            checkpointing): memory for time.

    Raises:
        DiagramError: a map without realisation (all of them are named), a shape that does not fit (goal, path,
            generator and both shapes), a backend that is not there.
    """
    if dtype not in DTYPES:
        raise DiagramError(
            f"there is no dtype {dtype!r}{suggestion(str(dtype), DTYPES)}; dtypes are float32 and float64"
        )
    seed = training.whole_seed(seed)
    asked = asked_passes(passes)
    trusted = diagram.trusted if trust is None else trust
    pruning = pruning_asked(diagram, prune)
    rewriting = asked_rewriting(diagram, use_laws, pruning)
    if backend == "sympy":
        if device is not None:
            raise DiagramError(f"there is no device {device!r} on sympy")
        realised = _realisations(diagram, needed(diagram), dict(maps or {}), trusted, "affine(2, 2)")
        symbols = find_symbolic().maps(diagram, realised)
        return SymbolicCompiled(diagram, symbols, seed, dtype, rewriting, pruning)
    everything = _everything(diagram)
    realised = _realisations(diagram, _needed(diagram, everything), dict(maps or {}), trusted)
    made = find_backend(backend).maps(diagram, realised, seed=seed, dtype=dtype, device=device)
    made.passes = asked
    made.recompute = _recomputed(diagram, recompute)
    bindings = check_plan(everything, made.abstract, layers=built_in(diagram, realised))
    return Compiled(diagram, made, seed, bindings, rewriting, pruning, asked)


def _recomputed(diagram: Diagram, names: str | Iterable[str]) -> frozenset[str]:
    """The maps that are computed again in the backward pass; raises DiagramError where one is none."""
    found = (names,) if isinstance(names, str) else tuple(names)
    maps = [name for name, role in diagram.roles.items() if role not in ("data", "noise")]
    for name in found:
        if name not in maps:
            raise DiagramError(f"recompute: there is no map `{name}`{suggestion(str(name), maps)}")
    return frozenset(found)


def asked_rewriting(diagram: Diagram, use_laws: bool, pruning: Pruning | None) -> Rewriting | None:
    """What is computed instead of what is written."""
    if pruning is None:
        return rewrite(diagram) if use_laws else None
    by_laws = rewrite(diagram, without=pruning.proofs) if use_laws else Rewriting()
    return replace(by_laws, dropped=pruning.dropped)


def _realisations(
    diagram: Diagram, wanted: Iterable[str], maps: dict[str, Any], trusted: bool, such_as: str = "mlp(64, 32, 10)"
) -> dict[str, Any]:
    """What realises each generator that is realised; raises where one that is wanted is not."""
    for name in maps:
        if name not in diagram.generators:
            raise DiagramError(f"maps: there is no generator `{name}`{suggestion(name, diagram.generators)}")
        role = diagram.roles[name]
        if role in ("data", "noise"):
            raise DiagramError(
                f"maps: `{name}` is {role}, which arrives with each batch and is no map to be given here"
            )
        if role == "ema":
            raise DiagramError(f"maps: `{name}` follows `{diagram.averages[name].model}` and starts as a copy of it")
    problems: list[About] = []
    for name, made in diagram.specs.items():
        if name in maps or diagram.roles[name] in ("data", "noise", "ema"):
            continue
        try:
            maps[name] = run_code(made, name, diagram.directory, trusted) if isinstance(made, Code) else made
        except DiagramError as error:
            problems += error.problems
    for name, made in maps.items():
        if isinstance(made, constant) and diagram.roles[name] == "fixed":
            maps[name] = made.held()
    named = {problem.name for problem in problems}
    right = f"write one in the diagram, such as = {such_as}, or in Python give"
    problems += [
        About(f"`{name}` has no realisation; {right} maps={{{name!r}: …}}", name)
        for name in wanted
        if name not in maps and name not in named
    ]
    if problems:
        raise DiagramError.of(problems)
    return maps


def sources(diagram: Diagram) -> dict[str, Any]:
    """The data that a diagram's sources hold.

    Raises:
        DiagramError: data that goals need and that have no source, and sources that cannot be read: all of them.
    """
    roles, problems = diagram.roles, []
    for name in make_plan(diagram, diagram.goals.values()).inputs:
        if roles[name] == "data" and name not in diagram.specs:
            right = "write = npz(…) or another source in the diagram, or in Python hand the data over"
            problems.append(About(f"{name} has no data; {right}", name))
    try:
        found = load_sources(diagram)
    except DiagramError as error:
        problems += error.problems
        raise DiagramError.of(problems) from error
    if problems:
        raise DiagramError.of(problems)
    return found


def unrealised(diagram: Diagram) -> list[str]:
    """The maps that the diagram's goals and measures need and for which it names no realisation."""
    return [name for name in _needed(diagram, _everything(diagram)) if name not in diagram.specs]


def _everything(diagram: Diagram) -> Plan:
    """The plan of all that is ever computed: every goal and measure as it is written."""
    equations: list[Goal | Measure] = [*diagram.goals.values(), *diagram.measures.values()]
    return make_plan(diagram, equations, moves=(), keep_equal=True)


def _needed(diagram: Diagram, plan: Plan) -> list[str]:
    """The maps of a plan that have to be realised; an average needs what it follows."""
    averages = diagram.averages
    names = (averages[name].model if name in averages else name for name in plan.generators)
    return list(dict.fromkeys(names))


class Compiled:
    """A diagram on a backend.

    Attributes:
        diagram: what was compiled.
        maps: the backend's maps, with all their numbers.
        state: the step (`state.step`, also `step`), which keys noise and schedules; `fit` counts it.
        seed: of noise and of the order of rows.
        shapes: the numbers that names in shapes were found to stand for.
        rewriting: what replaces sides of goals, where laws were to be used; None otherwise.
        pruning: which goals are left out because they follow from the others, where that was asked for; None otherwise.
        passes: the passes that make it faster.
    """

    def __init__(
        self,
        diagram: Diagram,
        maps: Maps,
        seed: int,
        shapes: Bindings,
        rewriting: Rewriting | None = None,
        pruning: Pruning | None = None,
        passes: frozenset[str] = frozenset(),
    ) -> None:
        self.diagram = diagram
        self.maps = maps
        self.seed = seed
        self.shapes = shapes
        self.rewriting = rewriting
        self.pruning = pruning
        self.passes = passes
        self.state: training.State = training.State()
        self._programs: dict[Any, Program] = {}
        self._agreed: set[frozenset[tuple[str, int]]] = {frozenset()}
        """What named axes were in data, where the maps were found to agree."""

    @property
    def backend(self) -> str:
        """The name of the backend."""
        return self.maps.backend.name

    @property
    def step(self) -> int:
        """How many steps of training were taken."""
        return self.state.step

    @property
    def plan(self) -> Plan:
        """The plan of all goals, with what passes say of it and of each stage."""
        plan = make_plan(self.diagram, self.diagram.goals.values(), rewriting=self.rewriting)
        notes = self.maps.table(plan).notes
        if "cache" in self.passes:
            notes += tuple(training.notes_on_keeping(self.maps, plan, self.rewriting))
        return replace(plan, notes=notes)

    def __repr__(self) -> str:
        return f"<Compiled {self.diagram.name} on {self.backend}, step {self.step}>"

    def _repr_latex_(self) -> str:
        return f"$$\n{loss_latex(self.diagram)}\n$$"

    # The loss --------------------------------------------------------------------------------------------------------

    def loss(self, batch: Mapping[str, Any], step: int | None = None, training: bool = False) -> Evaluated:
        """The loss at a batch: `total` = Σ weight · term, and `terms`, unweighted.

        Args:
            batch: {data: array}, of the backend or of NumPy, first axis the batch; the goals of a sample object that
                it lacks are left out.
            step: keys noise and schedules; None for `self.step`.
            training: whether models are in training mode.
        """
        step = self.step if step is None else step
        program, drawn = self._at(batch, step)
        return program(drawn, self._weights(program.plan, step), step, training)

    def value_and_grad(
        self, batch: Mapping[str, Any], step: int | None = None, training: bool = False
    ) -> tuple[Any, Parameters]:
        """The total, and its gradient {generator: {parameter: array}} for the trained maps; with `train` on goals, the
        gradient field, in which each goal moves its own models.
        """
        step = self.step if step is None else step
        program, drawn = self._at(batch, step)
        evaluated, gradients = program.value_and_grad(drawn, self._weights(program.plan, step), step, training)
        return evaluated.total, gradients

    def draw(self, batch: Mapping[str, Any], step: int | None = None) -> dict[str, Any]:
        """The batch with its noise drawn, as `loss` and `fit` do it themselves.

        On jax the averages' present numbers come along, so that a compiled `fn` of :meth:`pure` sees them move.
        """
        return {**self._drawn(batch, self.step if step is None else step), **self.maps.averages()}

    def _drawn(self, batch: Mapping[str, Any], step: int) -> dict[str, Any]:
        # What `draw` gave for `pure` may come back: averages are the maps' own here.
        if isinstance(batch, Mapping):
            batch = {name: value for name, value in batch.items() if self.diagram.roles.get(name) != "ema"}
        checked, axes = as_batch(self.diagram, batch)
        self._agree(axes)
        return draw_noise(self.diagram, checked, step, self.seed, dtype=self.maps.dtype)

    def _agree(self, axes: Mapping[str, int]) -> None:
        """Raises where the maps contradict what named axes of shapes are in the data."""
        new = frozenset(axes.items())
        if new in self._agreed:
            return
        bindings = Bindings()
        bindings.numbers.update((name, (number, "the data")) for name, number in axes.items())
        check_plan(_everything(self.diagram), self.maps.abstract, bindings)
        self._agreed.add(new)

    def _at(self, batch: Mapping[str, Any], step: int) -> tuple[Program, dict[str, Any]]:
        """The program for the sample objects that a batch holds, and the batch with its noise."""
        drawn = self._drawn(batch, step)
        present = frozenset(str(self.diagram.generators[name].dom) for name in drawn)
        program = self._programs.get(present)
        if program is None:
            plan = training.plan_for(self.diagram, present, rewriting=self.rewriting)
            program = self._programs[present] = self.maps.program(plan)
        missing = [name for name in program.plan.inputs if name not in drawn]
        if missing:
            user = training.first_use(program.plan, missing[0])
            raise DiagramError(f"the batch lacks `{missing[0]}`, which {user} needs")
        return program, drawn

    def _weights(self, plan: Plan, step: int) -> dict[str, float]:
        return training.weights_at(self.diagram, plan, step)

    # Maps and numbers ------------------------------------------------------------------------------------------------

    def parameters(self) -> Parameters:
        """A snapshot {generator: {parameter name: array}} of every map, frozen and ema too."""
        return self.maps.parameters()

    def load_parameters(self, parameters: Mapping[str, Mapping[str, Any]]) -> None:
        """Copies numbers in, of the maps and parameters that are named; unknown names and other shapes are errors."""
        self.maps.load_parameters(parameters)

    def apply(self, morphism: str | Morphism, *arguments: Any) -> Any:
        """The value of a morphism, in evaluation mode, without gradients.

        A composite that starts at a sample object takes the values of its data, in the order in which they are first
        used, or one dictionary of them (then its noise is drawn); any other takes one value for each factor of its
        domain. A morphism out of 1 takes nothing and gives one value without batch axis.
        """
        made, plan = self._realised(morphism)
        batch = self._arguments(made, plan, arguments)
        outputs = self.maps.program(plan).outputs(batch)
        if not made.dom.factors:
            outputs = tuple(output[0] for output in outputs)
        return outputs[0] if len(made.cod.factors) == 1 else outputs

    def extract(self, morphism: str | Morphism) -> Any:
        """A morphism as one map by itself, in evaluation mode, on a copy of its numbers: to export, or for another
        diagram's `maps=`.

        On torch an `nn.Module`; on jax a pair `(params, apply)` where `apply(params, *arguments)` is pure. It takes one
        batch for each factor of its domain; its parameters are named `generator.parameter`.

        Raises:
            DiagramError: a morphism that starts at data (extract what follows them), or a map without realisation.
        """
        made, plan = self._realised(morphism)
        data = [name for name in plan.inputs if self.diagram.roles.get(name) in ("data", "noise")]
        if data:
            raise DiagramError(
                f"`{made}` starts at {', '.join(f'`{name}`' for name in data)}, which is no map with numbers of its "
                "own; extract what follows it"
            )
        return self._of_backend("extract", "the backend {} hands no maps out")(made)

    def _realised(self, morphism: str | Morphism) -> tuple[Morphism, Plan]:
        """A morphism and its plan, all of whose maps are there."""
        made = self.diagram.parse(morphism)
        plan = plan_morphism(self.diagram, made)
        unrealised = [name for name in _needed(self.diagram, plan) if not self.maps.has(name)]
        if unrealised:
            raise DiagramError(
                f"`{made}`: `{unrealised[0]}` has no realisation; compile with maps={{{unrealised[0]!r}: …}}"
            )
        return made, plan

    def _arguments(self, morphism: Morphism, plan: Plan, arguments: tuple[Any, ...]) -> dict[str, Any]:
        if morphism.dom not in self.diagram.sample_objects:
            wanted = [str(i) for i in range(len(morphism.dom.factors))]
            what = f"one value for each factor of {morphism.dom}"
        else:
            if len(arguments) == 1 and isinstance(arguments[0], Mapping):
                return self._drawn(arguments[0], self.step)
            wanted = list(plan.inputs)
            what = f"values for {', '.join(wanted)}"
        if len(arguments) != len(wanted):
            raise DiagramError(f"`{morphism}` takes {what}: {len(wanted)} in all, {len(arguments)} given")
        return dict(zip(wanted, arguments, strict=True))

    @cached_property
    def module(self) -> Any:
        """On torch: an `nn.Module` of all maps whose `forward(batch, step=None)` is the total loss, for a loop of
        one's own.
        """
        make = self._of_backend("module", "only the backend torch has a module; on {} there is `pure()`")
        return make(lambda batch, step=None, training=False: self.loss(batch, step, training).total)

    def pure(self, training: bool = False) -> tuple[Any, Any]:
        """On jax: the trained parameters and `fn(params, batch, step) -> (total, terms)`, pure, for one's own jit
        and grad.

        `fn` takes a batch with its noise drawn (`draw`), and evaluates schedules of weights at `step`, traced or not.
        With `training` the models are in training mode.
        """
        make = self._of_backend("pure", "only the backend jax has `pure()`; on {} there is `module`")
        schedules = {name: goal.weight for name, goal in self.diagram.goals.items()}
        return make(self.plan, schedules, training)

    def advance(self, params: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """After a step of one's own loop: takes `params` over where given, counts the step, moves the averages."""
        if params is not None:
            self.maps.load_parameters(params)
        self.state.step += 1
        self.maps.follow()

    def write_back(self) -> Any:
        """On jax: copies the numbers into the very modules that were given."""
        return self._of_backend("write_back", "on {} the modules that were given are trained in place")()

    def _of_backend(self, name: str, otherwise: str) -> Callable[..., Any]:
        """What a backend offers beyond what every backend owes; raises where this one does not."""
        found = getattr(self.maps, name, None)
        if found is None:
            raise DiagramError(otherwise.format(self.backend))
        return found

    def save(self, path: str | Path) -> None:
        """Writes the parameters and buffers of every map to a safetensors file."""
        checkpoints.save_maps(self.maps, path)

    def restore(self, path: str | Path) -> None:
        """Reads what `save` wrote; maps or shapes that differ are errors, naming them."""
        checkpoints.restore_maps(self.maps, path)

    # Training and looking --------------------------------------------------------------------------------------------

    def fit(self, data: Any = None, **options: Any) -> training.History:
        """Trains; see :func:`learningdiagrams.training.fit` for the options.

        Args:
            data: {data: array}, an iterable of batches, or a `DataLoader`; None for the sources that the diagram names.
        """
        options.setdefault("seed", self.seed)
        return training.fit(
            self.maps,
            diagram=self.diagram,
            data=self._sourced(data),
            state=self.state,
            rewriting=self.rewriting,
            passes=self.passes,
            **options,
        )

    def evaluate(self, data: Any = None, batch_size: int = 1024) -> dict[str, float]:
        """Every goal and every measure over all the data, {name: float}, in evaluation mode."""
        return agreement.evaluate(
            self.maps, self.diagram, self._sourced(data), step=self.step, seed=self.seed, batch_size=batch_size
        )

    def residuals(self, data: Any = None, batch_size: int = 1024) -> agreement.Residuals:
        """How far each goal and law is from holding on the data; floors of soft targets are taken off."""
        return agreement.residuals(
            self.maps, self.diagram, self._sourced(data), step=self.step, seed=self.seed, batch_size=batch_size
        )

    def examine(
        self,
        data: Any = None,
        equations: Iterable[str | tuple[Morphism | str, Morphism | str]] = (),
        *,
        lipschitz: Mapping[str, float] | None = None,
        rows: int = 1024,
        max_seconds: float = 10.0,
    ) -> Examination:
        """Residuals; bounds on what the goals prove; conflicts between goals; constants that would meet them.

        Args:
            equations: further equations, "p = q", whose bounds are wanted; they have to follow from goals and laws.
            lipschitz: constants of maps that are known, in the Euclidean norm; others are estimated on the rows.
            rows: of each sample object, for bounds and gradients; residuals are over all the data.
            max_seconds: for finding proofs.
        """
        found = self._sourced(data)
        return examined(self, found, self.residuals(found), equations, lipschitz, rows, max_seconds)

    def _sourced(self, data: Any) -> Any:
        """The data, or where none are given what the diagram's sources hold, checked."""
        found = as_data(self.diagram, sources(self.diagram) if data is None else data)
        if isinstance(found, Data):
            self._agree(found.axes)
        return found
