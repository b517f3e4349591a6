"""What a regime is: a diagram in a file, real data, and the figures that judge what came out.

All training is the diagram's, through `compile` and `fit`: a regime brings its data and its judge, no loss and no loop.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.language import loads
from learningdiagrams.language.json_form import loads_json, write_json

if TYPE_CHECKING:
    from learningdiagrams.compiled import Compiled
    from learningdiagrams.regimes.sheets import Sheet

__all__ = ["Arrays", "Figure", "Regime", "Split", "Variant", "parted", "shortened"]

Arrays = dict[str, np.ndarray]


def parted(rows: int | np.ndarray, held: int, drawn: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows that are held out, in an order drawn at random.

    Args:
        rows: the rows, or how many there are.
        held: how many are held out.

    >>> kept, out = parted(5, 2, np.random.default_rng(0))
    >>> len(kept), len(out), sorted([*kept.tolist(), *out.tolist()])
    (3, 2, [0, 1, 2, 3, 4])
    """
    order = drawn.permutation(rows)
    return order[held:], order[:held]


class Split(NamedTuple):
    """What one seed trains on and what it is judged on, by the names of data generators.

    `extra` is for the judge alone: nothing in it reaches the diagram in training. In quick runs it has `quick`, for
    judges that take long.
    """

    train: Arrays
    test: Arrays
    extra: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Figure:
    """A number by which a regime is judged.

    Attributes:
        words: what it is, in a few words.
        least, most: the bound that the mean over the seeds is to keep, where there is one. An honest implementation
            keeps it, and a broken one does not.
        by_hand: mean and standard deviation over seeds of the same figure with all of it written by hand in PyTorch,
            where that was measured.
    """

    name: str
    words: str
    least: float | None = None
    most: float | None = None
    by_hand: tuple[float, ...] = ()

    def met(self, value: float) -> bool | None:
        """Whether a value keeps the bound; None where there is no bound.

        >>> Figure("accuracy", "test accuracy", least=0.9).met(0.95), Figure("error", "").met(0.1)
        (True, None)
        """
        if self.least is None and self.most is None:
            return None
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    @property
    def bound(self) -> str:
        """The bound as text, or nothing.

        >>> Figure("accuracy", "", least=0.9).bound, Figure("error", "", most=0.1).bound
        ('≥ 0.9', '≤ 0.1')
        """
        least = [] if self.least is None else [f"≥ {self.least:g}"]
        return ", ".join(least + ([] if self.most is None else [f"≤ {self.most:g}"]))


@dataclass(frozen=True)
class Variant:
    """The same regime with something changed: a control experiment, or another form of the idea.

    Attributes:
        words: what it shows.
        changes: what stands in the diagram's text, once each, and what stands there instead.
        shows: the figures that it is about; all of them where none are named.
        whole: the function of the changed text that makes the diagram, where it is another than the regime's.
    """

    name: str
    words: str
    changes: Mapping[str, str]
    shows: tuple[str, ...] = ()
    whole: Callable[[str], Diagram] | None = None


@dataclass(frozen=True)
class Regime:
    """A diagram, data for each seed, a judge, and what the figures are to be.

    Attributes:
        name: of the file beside this one and of the command's argument.
        data: a function of the seed.
        judge: the figures, by name, of a trained diagram on the data of its seed.
        training: options of `fit`.
        source: where the regime comes from.
        claim: what the figures show; caution: what they do not show.
        variants: control experiments, and other forms of the idea.
        whole: where the file holds a part that is glued to itself: the function of its text that makes the whole of it.
        sheet: where there is something to look at: pictures of what came out, with words under them.
    """

    name: str
    title: str
    data: Callable[[int], Split]
    judge: Callable[[Compiled, Split], Mapping[str, float]]
    figures: tuple[Figure, ...]
    training: Mapping[str, Any]
    source: str
    claim: str
    caution: str
    variants: tuple[Variant, ...] = ()
    whole: Callable[[str], Diagram] | None = None
    sheet: Callable[[Compiled, Split], Sheet] | None = None

    @property
    def path(self) -> Path:
        """The diagram's file."""
        return Path(__file__).parent / f"{self.name}.diagram"

    def variant(self, name: str) -> Variant:
        """The variant of that name."""
        found = {variant.name: variant for variant in self.variants}
        if name not in found:
            there = suggestion(name, found) or (f"; there are {', '.join(found)}" if found else "; there is none")
            raise DiagramError(f"regime `{self.name}`: there is no variant `{name}`{there}")
        return found[name]

    def text(self, variant: str | None = None) -> str:
        """The diagram's text, as it stands in the file or as a variant changes it."""
        text = self.path.read_text(encoding="utf-8")
        for before, after in (self.variant(variant).changes if variant is not None else {}).items():
            if text.count(before) != 1:
                raise DiagramError(
                    f"variant `{variant}`: `{before}` stands {text.count(before)} times in {self.path.name}"
                )
            text = text.replace(before, after)
        return text

    def diagram(self, variant: str | None = None, quick: int | None = None) -> Diagram:
        """The diagram; with `quick` each of its stages takes at most that many steps."""
        text = self.text(variant)
        own = None if variant is None else self.variant(variant).whole
        whole = own or self.whole or (lambda text: loads(text, file=str(self.path), directory=self.path.parent))
        made = whole(text)
        return made if quick is None else shortened(made, quick)


def shortened(diagram: Diagram, steps: int) -> Diagram:
    """The same diagram, each of whose stages takes that many steps, or fewer where it says so.

    >>> d = loads('''
    ... object S, A[2]
    ... data x : S -> A
    ... model f : A -> A
    ... goal g : x >> f = x
    ... stage one : train f by g epochs 30
    ... stage two : train f by g steps 3
    ... ''')
    >>> [(stage.epochs, stage.steps) for stage in shortened(d, 10).stages.values()]
    [(None, 10), (None, 3)]
    """
    form = json.loads(write_json(diagram))
    for stage in form.get("stages", ()):
        stage.pop("epochs", None)
        stage["steps"] = min(steps, stage.get("steps", steps))
    return loads_json(json.dumps(form), directory=diagram.directory)
