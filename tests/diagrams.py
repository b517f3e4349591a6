"""Random diagrams for properties: `diagrams()` draws well-typed ones with everything that a diagram can hold.

`morphisms(d)` draws expressions over a diagram, `parallel(d)` pairs of them that share their ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from hypothesis import strategies as st

from learningdiagrams.diagram import Diagram, stop
from learningdiagrams.specs import shuffle
from learningdiagrams.theory.morphisms import Morphism, Object, drop, identity, proj

__all__ = ["diagrams", "morphisms", "names", "parallel"]

# Among them words of Python, names that the writers use themselves, letters beyond ASCII, and names that
# begin like a word of the language.
NAMES = (
    *(
        "f",
        "g",
        "h",
        "student",
        "teacher",
        "goalg",
        "onwards",
        "by_",
        "data_",
        "weight2",
        "stop_",
        "id2",
        "law0",
    ),
    *("x1", "_", "_x", "lambda", "class", "print", "list", "ld", "d", "diagram_", "identity", "int", "float"),
    *("σ", "θ_1", "café", "日本", "Ω", "encoder", "decoder", "law1", "A1", "Image", "maps", "objective", "π"),
)
ROLES = ("map", "noise", "shuffle", "model", "model", "frozen", "fixed", "ema")
SHAPES = (None, (), (3,), (28, 28), ("n",), ("n", 4), ("steps", "n"))
LAYERS = (
    "linear(3, 3)",
    'mlp(64, 32, 10, activation="tanh")',
    "sequential(flatten, linear(4, 2, bias=False))",
)
CODE = ('torch("models:Net", width=32)', r'jax("a.b:f", path="C:\\new \"x\"", sizes=(1, 2.5), flag=True)')
DATA = ('npz("digits.npz", "images")', 'csv("a b.csv", "height", "σ")', 'npy("x.npy")')
NOISE = ("normal(16)", "normal", "uniform(2, 2, low=-1)", "normal(std=0.5)")
COMPARATORS = (
    "mse",
    "l1",
    "huber(delta=0.5)",
    "bce",
    "kl(temperature=4)",
    "cosine",
    "info_nce",
    "cross_entropy",
)
WEIGHTS = (1.0, 0.7, -2, 1e-9, 1e22, "linear(0, 1, steps=1000)", "cosine(1, 0.5, steps=10)")
LABELS = (
    r"\sigma",
    r"\nu\theta",
    'say "x"',
    "a\\\\b",
    "\\",
    "tab\tnew\nline",
    "# no comment",
    "😀",
    r"\u03c3",
)


def names(number: int) -> st.SearchStrategy[list[str]]:
    """Different names that a diagram may have."""
    return st.permutations(NAMES).map(lambda order: list(order[:number]))


@st.composite
def morphisms(draw: st.DrawFn, diagram: Diagram, size: int = 12) -> list[Morphism]:
    """Expressions over a diagram, each made from earlier ones: identities and generators first."""
    pool = [*map(identity, diagram.sorts.values()), *diagram.generators.values(), drop(diagram.unit)]
    for _ in range(draw(st.integers(0, size))):
        one = draw(st.sampled_from(pool))
        how = draw(st.sampled_from(("compose", "compose", "pair", "parallel", "project", "drop", "stop")))
        if how == "project" and one.cod.factors:
            made = one >> proj(one.cod, draw(st.integers(0, len(one.cod.factors) - 1)))
        elif how == "drop":
            made = one >> drop(one.cod)
        elif how == "stop":
            made = stop(one)
        else:
            fits = [m for m in pool if m.dom is (one.cod if how == "compose" else one.dom)] or [identity(one.cod)]
            other = draw(st.sampled_from(fits if how != "parallel" else pool))
            if how == "compose":
                made = one >> other if other.dom is one.cod else one
            else:
                made = one & other if how == "pair" and other.dom is one.dom else one @ other
        if len(made.cod.factors) <= 4 and len(made.dom.factors) <= 4:
            pool.append(made)
    return pool


def parallel(pool: Sequence[Morphism]) -> list[tuple[Morphism, Morphism]]:
    """Neighbours among morphisms with the same ends; the last of them is paired with the first, stopped."""
    groups: dict[tuple[Object, Object], list[Morphism]] = defaultdict(list)
    for morphism in pool:
        groups[morphism.dom, morphism.cod].append(morphism)
    return [pair for group in groups.values() for pair in zip(group, [*group[1:], stop(group[0])], strict=True)]


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    """Diagrams with all roles, realisations, products, laws, goals, measures, stages and styles."""
    order = draw(names(len(NAMES)))
    d = Diagram(draw(st.sampled_from(["diagram", "Title", "σ", "few shots, many tasks", 'a "b" \\', "goal", "\ud800"])))

    def fresh() -> str:
        # A law without a name takes one of its own, law0, law1 …
        return next(name for name in iter(order.pop, None) if name not in d)

    samples = [d.object(fresh()) for _ in range(draw(st.integers(1, 2)))]
    spaces = [
        d.object(fresh(), draw(st.sampled_from(SHAPES)), draw(st.sampled_from(("float", "int", "bool"))))
        for _ in range(draw(st.integers(1, 4)))
    ]

    def product(least: int) -> Object:
        return d.presentation.signature.product(draw(st.lists(st.sampled_from(spaces), min_size=least, max_size=3)))

    def maybe(options: Sequence[str]) -> str | None:
        return draw(st.sampled_from((None, *options)))

    for _ in range(draw(st.integers(1, 3))):
        d.data(fresh(), draw(st.sampled_from(samples)), product(1), maybe(DATA))
    for role in draw(st.lists(st.sampled_from(ROLES), max_size=6)):
        data = [name for name, other in d.roles.items() if other == "data"]
        if role == "shuffle":
            shuffled = d.generators[draw(st.sampled_from(data))]
            d.noise(fresh(), shuffled.dom, shuffled.cod, shuffle(str(shuffled.name)))
        elif role == "noise":
            d.noise(fresh(), draw(st.sampled_from(samples)), product(1), draw(st.sampled_from(NOISE)))
        elif role == "ema":
            if d.models:
                d.ema(fresh(), draw(st.sampled_from(d.models)), draw(st.sampled_from((0.99, 0.5))))
        else:
            made = None if role == "map" else maybe((*LAYERS, *CODE))
            getattr(d, role)(fresh(), product(0), product(0), made)
    pool = draw(morphisms(d))
    pairs = parallel(pool)
    for _ in range(draw(st.integers(0, 2))):
        d.law(*draw(st.sampled_from(pairs)), draw(st.sampled_from((None, fresh()))))
    for left, right in draw(st.lists(st.sampled_from(pairs), max_size=5)):
        along = [m for m in pool if m.cod is left.dom and m.dom in d.sample_objects]
        sampled = left.dom in d.sample_objects or not left.dom.factors
        if not left.cod.factors or not (sampled or along):
            continue
        on = [] if sampled else draw(st.lists(st.sampled_from(along), min_size=1, max_size=2))
        if draw(st.booleans()):
            d.measure(fresh(), left, right, on, draw(st.sampled_from((*COMPARATORS, "top(k=3)", "r2"))))
        else:
            train = draw(st.sampled_from((None, d.models[:1], d.models))) or None
            by, weight = draw(st.sampled_from(COMPARATORS)), draw(st.sampled_from(WEIGHTS))
            d.goal(fresh(), left, right, on, by, weight, train)
    if d.goals and d.models and draw(st.booleans()):
        length = draw(st.sampled_from(({}, {"epochs": 5}, {"steps": 100})))
        d.stage(fresh(), d.models, d.goals, **length)
    styled = [name for name in (*d.sorts, *d.generators, *d.laws, *d.goals) if draw(st.integers(0, 4)) == 0]
    for name in styled:
        options = {
            "at": draw(st.sampled_from((None, (0, 1), (-0.5, 2)))),
            "label": draw(st.sampled_from((None, *LABELS))),
            "curve": draw(st.sampled_from((None, 2, -0.25))),
            "colour": draw(st.sampled_from((None, "#c33", "#A0b1c2"))),
        }
        d.style(name, **({word: value for word, value in options.items() if value is not None} or {"curve": 1}))
    return d
