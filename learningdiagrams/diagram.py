"""Diagrams: presentations whose generators have roles, with goals that training is to make true.

>>> d = Diagram("Distillation")
>>> sample, image, logits = d.objects("Sample", "Image", "Logits")
>>> pixels, label = d.data("pixels", sample, image), d.data("label", sample, logits)
>>> teacher, student = d.frozen("teacher", image, logits), d.model("student", image, logits)
>>> hard = d.goal("hard", pixels >> student, label, by="cross_entropy")
>>> soft = d.goal("soft", "pixels >> student", "pixels >> teacher", by="kl(temperature=4)", weight=0.7)
>>> d.roles["teacher"], d.goals["soft"].by, d["student"] is student
('frozen', kl(temperature=4), True)
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, overload

from learningdiagrams import declarations
from learningdiagrams.declarations import Goal, Measure, Space, Stage, Style
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.lookalikes import foreign_letters, skeleton
from learningdiagrams.losses import Comparator
from learningdiagrams.schedules import Schedule
from learningdiagrams.specs import Spec, ema, spec
from learningdiagrams.theory.morphisms import Generator, Morphism, Object, mark
from learningdiagrams.theory.presentations import Law, Presentation

if TYPE_CHECKING:
    from learningdiagrams.backends.base import Backend
    from learningdiagrams.compiled import Compiled
    from learningdiagrams.symbolic import SymbolicCompiled

__all__ = ["RESERVED", "ROLES", "Diagram", "Goal", "Measure", "Role", "Space", "Stage", "Style", "stop"]

Role = Literal["map", "data", "noise", "model", "frozen", "fixed", "ema"]
ROLES: Final[tuple[Role, ...]] = ("map", "data", "noise", "model", "frozen", "fixed", "ema")

DECLARATIONS: Final = (
    "diagram", "object", "map", "data", "noise", "model", "frozen", "fixed", "law", "goal", "measure", "stage", "style",
)  # fmt: skip
NOTES: Final = ("on", "by", "weight", "train", "epochs", "steps", "id", "proj", "drop", "stop")
RESERVED: Final = frozenset(DECLARATIONS + NOTES)
"""Words of the language that name nothing in a diagram."""

Side = Morphism | str


def stop(morphism: Morphism) -> Morphism:
    """The same morphism, through which no gradient passes.

    >>> d = Diagram()
    >>> A, B = d.objects("A", "B")
    >>> print(stop(d.model("f", A, B)))
    stop(f)
    """
    return mark("stop", morphism)


class Diagram:
    """A presentation whose generators have roles, with goals, measures and stages. It may grow.

    What a declaration returns is a value: an :class:`~learningdiagrams.theory.Object`, a
    :class:`~learningdiagrams.theory.Morphism`, a :class:`Goal` … Each mistake raises :class:`DiagramError` or
    :class:`~learningdiagrams.theory.TheoryError` (both are `ValueError`) at the call that makes it.
    """

    def __init__(self, name: str = "diagram") -> None:
        self.name = name
        self.presentation: Presentation = Presentation(name)
        self._spaces: dict[str, Space] = {}
        self._roles: dict[str, Role] = {}
        self._samples: dict[Object, None] = {}
        self._specs: dict[str, Spec] = {}
        self._averages: dict[str, ema] = {}
        self._goals: dict[str, Goal] = {}
        self._measures: dict[str, Measure] = {}
        self._stages: dict[str, Stage] = {}
        self._styles: dict[str, Style] = {}
        self._looks: dict[str, str] = {}  # the names by what they look like
        self.hypotheses: dict[tuple[str, int, int, int], Presentation] = {}
        """The presentation that the last question was put to, with what was learned of it; see `prove`."""
        self.directory: Path | None = None
        """The folder that relative paths in realisations start from (that of the file, once loaded), or None."""
        self.trusted = False
        """Whether code that realisations name (`torch("module:Name")`) may be imported and run."""
        self.places: dict[str, tuple[int, int]] = {}
        """Line and column of each declaration by its name, where the diagram was read from a file or text."""

    # What there is ---------------------------------------------------------------------------------------------------

    @property
    def unit(self) -> Object:
        """The terminal object 1."""
        return self.presentation.unit

    @property
    def sorts(self) -> Mapping[str, Object]:
        return self.presentation.sorts

    @property
    def generators(self) -> Mapping[str, Morphism]:
        return self.presentation.generators

    @property
    def laws(self) -> Mapping[str, Law]:
        return self.presentation.laws

    @property
    def spaces(self) -> Mapping[str, Space]:
        """Declared shape and kind of number of each sort."""
        return MappingProxyType(self._spaces)

    @property
    def roles(self) -> Mapping[str, Role]:
        """The role of each generator."""
        return MappingProxyType(self._roles)

    @property
    def specs(self) -> Mapping[str, Spec]:
        """What realises the generators for which the diagram says it."""
        return MappingProxyType(self._specs)

    @property
    def averages(self) -> Mapping[str, ema]:
        """The generators that follow a model by moving average: each name's `ema`, with its `model` and `decay`.

        >>> d = Diagram()
        >>> A, B = d.objects("A", "B")
        >>> student, teacher = d.model("student", A, B), d.ema("teacher", of="student", decay=0.999)
        >>> d.averages["teacher"].model, d.averages["teacher"].decay
        ('student', 0.999)
        """
        return MappingProxyType(self._averages)

    @property
    def goals(self) -> Mapping[str, Goal]:
        return MappingProxyType(self._goals)

    @property
    def measures(self) -> Mapping[str, Measure]:
        return MappingProxyType(self._measures)

    @property
    def stages(self) -> Mapping[str, Stage]:
        return MappingProxyType(self._stages)

    @property
    def styles(self) -> Mapping[str, Style]:
        return MappingProxyType(self._styles)

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the maps that are trained."""
        return tuple(name for name, role in self._roles.items() if role == "model")

    @property
    def sample_objects(self) -> tuple[Object, ...]:
        """The objects that data or noise come out of, in order of declaration."""
        return tuple(self._samples)

    def __getitem__(self, name: str) -> Any:
        """The object, generator, law, goal, measure or stage of this name."""
        name = unicodedata.normalize("NFKC", name)
        for table in (self.sorts, self.generators, self.laws, self._goals, self._measures, self._stages):
            if name in table:
                return table[name]
        raise DiagramError(f"there is no `{name}` in {self.name}{suggestion(name, self.presentation.signature.taken)}")

    def __contains__(self, name: str) -> bool:
        return unicodedata.normalize("NFKC", name) in self.presentation.signature.taken

    # Objects and generators ------------------------------------------------------------------------------------------

    def object(self, name: str, shape: Sequence[int | str] | None = None, dtype: str = "float") -> Object:
        """Adds an object. `shape` is that of one value, without batch axis; a name in it is one number wherever it
        stands.

        `dtype` is "float", "int" or "bool".
        """
        name = self._fresh(name)
        space = Space.of(name, shape, dtype)
        made = self.presentation.objects(name)[0]
        self._spaces[name] = space
        return made

    def objects(self, *names: str) -> tuple[Object, ...]:
        """Adds objects without a declared shape; always a tuple, also of one."""
        return tuple(self.object(name) for name in names)

    def map(self, name: str, dom: Object, cod: Object, realisation: Spec | str | None = None) -> Morphism:
        """Adds a generator with no role: enough for pure theory."""
        return self._generator("map", name, dom, cod, realisation)

    def data(self, name: str, dom: Object, cod: Object, realisation: Spec | str | None = None) -> Morphism:
        """Adds a generator that the data supplies; `dom` becomes a sample object, one batch of which comes at a
        time.
        """
        return self._generator("data", name, dom, cod, realisation)

    def noise(self, name: str, dom: Object, cod: Object, draws: Spec | str) -> Morphism:
        """Adds data that are drawn afresh for each batch: "normal(16)", "uniform(2, 2)", "shuffle(label)"."""
        return self._generator("noise", name, dom, cod, draws)

    def model(self, name: str, dom: Object, cod: Object, realisation: Spec | str | None = None) -> Morphism:
        """Adds a parameterised map that is trained."""
        made = None if realisation is None else spec(realisation, "model")
        return self._generator("ema" if isinstance(made, ema) else "model", name, dom, cod, made)

    def frozen(self, name: str, dom: Object, cod: Object, realisation: Spec | str | None = None) -> Morphism:
        """Adds a parameterised map that is not trained; gradients pass through it."""
        return self._generator("frozen", name, dom, cod, realisation)

    def fixed(self, name: str, dom: Object, cod: Object, realisation: Spec | str | None = None) -> Morphism:
        """Adds a map without parameters."""
        return self._generator("fixed", name, dom, cod, realisation)

    def ema(self, name: str, of: str | Morphism, decay: float = 0.99) -> Morphism:
        """Adds a map that follows the model `of` by exponential moving average and receives no gradient."""
        followed = self._generator_name(of, f"ema `{name}`")
        source = self.generators[followed]
        return self._generator("ema", name, source.dom, source.cod, ema(followed, decay=decay))

    def _generator(self, role: Role, name: str, dom: Object, cod: Object, realisation: Spec | str | None) -> Morphism:
        name = self._fresh(name)
        for end in (dom, cod):
            if not isinstance(end, Object):
                raise DiagramError(f"`{name}`: {end!r} is no object; an end is one, such as d['Image']")
        made = None if realisation is None else spec(realisation, role)
        declarations.check_role(self, role, name, dom, cod, made)
        morphism = self.presentation.morphism(name, dom, cod)
        self._roles[name] = role
        if role in ("data", "noise"):
            self._samples[dom] = None
        if made is not None:
            self._specs[name] = made
        if isinstance(made, ema):
            self._averages[name] = made
        return morphism

    # Equations -------------------------------------------------------------------------------------------------------

    def law(self, left: Side, right: Side, name: str | None = None) -> Law:
        """Adds an equation that holds exactly; unnamed ones are law0, law1 …"""
        made = self.presentation.law(self.parse(left), self.parse(right), None if name is None else self._fresh(name))
        self._looks.setdefault(made.name, made.name)
        return made

    def goal(
        self,
        name: str,
        left: Side,
        right: Side,
        on: Side | Sequence[Side] = (),
        by: str | Comparator | Callable[..., Any] = "mse",
        weight: float | Schedule | str = 1.0,
        train: Iterable[str | Morphism] | None = None,
    ) -> Goal:
        """Adds an equation that training is to make true: a term of the loss.

        `on` are the morphisms from sample objects along which it is sampled, needed where the sides do not start at a
        sample object; `by` is the comparator, `weight` a number or a schedule; `train` names the only models that this
        goal moves.
        """
        name = self._fresh(name)
        made = Goal.of(self, name, left, right, on, by, weight, train)
        self._goals[self.presentation.signature.take(name, "a goal")] = made
        return made

    def measure(
        self,
        name: str,
        left: Side,
        right: Side,
        on: Side | Sequence[Side] = (),
        by: str | Comparator | Callable[..., Any] = "mse",
    ) -> Measure:
        """Adds an equation whose residual is reported in evaluation and never trained."""
        name = self._fresh(name)
        made = Measure.of(self, name, left, right, on, by)
        self._measures[self.presentation.signature.take(name, "a measure")] = made
        return made

    def stage(
        self,
        name: str,
        train: Iterable[str | Morphism],
        by: Iterable[str | Goal],
        epochs: int | None = None,
        steps: int | None = None,
    ) -> Stage:
        """Adds a stage of training: which models move, under which goals. Stages run in the order of declaration."""
        name = self._fresh(name)
        made = Stage.of(self, name, train, by, epochs, steps)
        self._stages[self.presentation.signature.take(name, "a stage")] = made
        return made

    def style(self, name: str, **options: Any) -> Style:
        """Says how a picture draws a thing: `at=(0, 1)`, `label="\\sigma"`, `curve=2`, `colour="#c33"`."""
        made = Style.of(self, name, options)
        self._styles[made.name] = made
        return made

    def _fresh(self, name: str) -> str:
        """A name for something new as the text form has it; DiagramError where none looks like this."""
        name = _name(name)
        look = skeleton(name)
        other = self._looks.get(look, name)
        if other != name and other in self:
            raise DiagramError(f"`{name}` looks like `{other}`, which is there already: {foreign_letters(name, other)}")
        self._looks[look] = name
        return name

    def _generator_name(self, value: str | Morphism, where: str) -> str:
        """The name of a generator that is given by name or by value."""
        if isinstance(value, Morphism):
            self.presentation.signature.owns(value)
            if value.name is None:
                raise DiagramError(f"{where}: `{value}` is a composite; a single generator is wanted")
            return value.name
        if not isinstance(value, str):
            raise DiagramError(f"{where}: {value!r} is neither a generator nor the name of one")
        name = unicodedata.normalize("NFKC", value)
        if name not in self.generators:
            raise DiagramError(f"{where}: there is no generator `{name}`{suggestion(name, self.generators)}")
        return name

    # Doors to the floors above ---------------------------------------------------------------------------------------

    def parse(self, text: Side) -> Morphism:
        """The morphism that an expression such as "pixels >> student" denotes; a morphism is itself."""
        if isinstance(text, Morphism):
            self.presentation.signature.owns(text)
            return text
        if not isinstance(text, str):
            raise DiagramError(f'{text!r} is neither a morphism nor its text, such as "pixels >> student"')
        from learningdiagrams.language import parse_expression

        return parse_expression(self, text)

    def __str__(self) -> str:
        from learningdiagrams.language.writing import write

        return write(self)

    def __repr__(self) -> str:
        counts = [
            f"{len(things)} {word if len(things) != 1 else word[:-1]}"
            for things, word in (
                (self.sorts, "objects"),
                (self.generators, "generators"),
                (self.laws, "laws"),
                (self._goals, "goals"),
                (self._measures, "measures"),
            )
            if things
        ]
        return f"<Diagram {self.name}: {', '.join(counts) or 'empty'}>"

    def __eq__(self, other: object) -> bool:
        """Whether both diagrams declare the same things: names, ends, roles, realisations, equations and notes."""
        if not isinstance(other, Diagram):
            return NotImplemented
        return self is other or declarations.same_diagram(self, other)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # it may grow

    def save(self, path: str | Path) -> None:
        """Writes the diagram to a `.diagram`, `.json`, `.catlab.json` or `.py` file, by the ending of `path`."""
        from learningdiagrams.language.conversion import save

        save(self, path)

    def prove(
        self, left: Side, right: Side, using: str = "all", max_seconds: float = 10.0, without: Iterable[str] | str = ()
    ) -> Any:
        """Decides left = right: from the "laws" alone, the "goals" alone, or "all": if every goal held as an equation.

        `without` names laws and goals that may not be used: what follows without a goal is not what it adds.

        Returns the theory's `Proved`, `Refuted` or `Unknown`; goals that play a game against each other are no
        hypotheses.
        """
        from learningdiagrams.examination import prove

        names = [unicodedata.normalize("NFKC", name) for name in ([without] if isinstance(without, str) else without)]
        return prove(self, self.parse(left), self.parse(right), using, max_seconds, names)

    def check(self, max_seconds: float = 10.0) -> Any:
        """Examines the diagram without a tensor: what it holds, which goals follow from others, what looks wrong."""
        from learningdiagrams.examination import examine

        return examine(self, max_seconds)

    @overload
    def compile(
        self, backend: Literal["sympy"], maps: Mapping[str, Any] | None = None, **options: Any
    ) -> SymbolicCompiled: ...

    @overload
    def compile(
        self, backend: str | Backend = "torch", maps: Mapping[str, Any] | None = None, **options: Any
    ) -> Compiled: ...

    def compile(self, backend: Any = "torch", maps: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Compiles the goals to one loss; see :func:`learningdiagrams.compiled.compile_diagram` for the options."""
        from learningdiagrams.compiled import compile_diagram

        return compile_diagram(self, backend, maps, **options)

    def draw(self, path: str | Path | None = None, **options: Any) -> str | None:
        """A picture of the diagram: written to `path` by its ending, or returned as SVG text."""
        from learningdiagrams.drawing import draw

        return draw(self, path, **options)

    def _repr_html_(self) -> str:
        from learningdiagrams.drawing.notebooks import diagram_html

        return diagram_html(self)

    def _repr_svg_(self) -> str | None:
        from learningdiagrams.drawing.notebooks import diagram_svg

        return diagram_svg(self)


def _name(name: str) -> str:
    """The name as the text form has it: an identifier, NFKC-normalised, and no word of the language."""
    if not isinstance(name, str):
        raise DiagramError(f'{name!r} is no name: a name is a word, such as "student"')
    normal = unicodedata.normalize("NFKC", name)
    if not normal.isidentifier():
        raise DiagramError(f"`{name}` is no name: a name is letters, digits and _, and does not start with a digit")
    # The three values are words only where a realisation is written; ema(None) would not read back.
    if normal in RESERVED or normal in ("True", "False", "None"):
        raise DiagramError(f"`{name}` is a word of the language; another name is needed, such as `{name}_`")
    return normal


def generator_of(diagram: Diagram, name: str) -> Generator:
    """The head that stands for a generator in normal forms."""
    found = diagram.generators[name].generator
    assert found is not None
    return found
