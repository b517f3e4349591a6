"""A diagram as a Python script that builds it: running the script gives `diagram`.

>>> from learningdiagrams.language import loads
>>> d = loads('''
... diagram Example
... object Sample, Image[64]
... data  pixels : Sample -> Image
... model print  : Image -> Image = linear(64, 64)
... goal  copy   : pixels >> print = pixels weight 0.5
... ''')
>>> print(write_python(d))
\"\"\"The diagram Example.\"\"\"
<BLANKLINE>
import learningdiagrams as ld
<BLANKLINE>
diagram = ld.Diagram("Example")
<BLANKLINE>
Sample = diagram.object("Sample")
Image = diagram.object("Image", shape=(64,))
<BLANKLINE>
pixels = diagram.data("pixels", Sample, Image)
print_ = diagram.model("print", Image, Image, "linear(64, 64)")
<BLANKLINE>
diagram.goal("copy", pixels >> print_, pixels, by="mse", weight=0.5)
<BLANKLINE>
"""

from __future__ import annotations

import builtins
import json
import keyword
import re
from typing import Any, Final

from learningdiagrams.diagram import Diagram
from learningdiagrams.language.scanning import Source, scan
from learningdiagrams.language.writing import check_writable, style_options
from learningdiagrams.schedules import Schedule
from learningdiagrams.theory.morphisms import Morphism, Object

__all__ = ["write_python"]

LONGEST: Final = 100
"""Words beyond which an expression is given to Python as text: Python reads none of 100 000."""
WORDS: Final = {"id": "ld.identity", "proj": "ld.proj", "drop": "ld.drop", "stop": "ld.stop"}


def write_python(diagram: Diagram) -> str:
    """The script; raises :class:`DiagramError` where a file cannot hold the diagram."""
    check_writable(diagram)
    script = _Script(diagram)
    return "\n".join(script.lines())


class _Script:
    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        taken = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "ld", "diagram"}
        self.variables: dict[str, str] = {}
        for name in (*diagram.sorts, *diagram.generators):
            variable = name
            while variable in taken:
                variable += "_"
            taken.add(variable)
            self.variables[name] = variable

    def lines(self) -> list[str]:
        d = self.diagram
        # A docstring holds the name only where it is plain.
        about = f"The diagram {d.name}." if d.name.isidentifier() else "A learning diagram."
        made = "" if d.name == "diagram" else _text(d.name)
        blocks = [
            [f'"""{about}"""'],
            ["import learningdiagrams as ld"],
            [f"diagram = ld.Diagram({made})"],
            [self.object(name) for name in d.sorts],
            [self.generator(name) for name in d.generators],
            [self.call("law", *map(self.side, (law.left, law.right)), _text(law.name)) for law in d.laws.values()],
            [self.equation("goal", goal) for goal in d.goals.values()]
            + [self.equation("measure", measure) for measure in d.measures.values()],
            [self.stage(stage) for stage in d.stages.values()],
            [self.call("style", _text(name), **_each(style_options(style))) for name, style in d.styles.items()],
        ]
        return [line for block in blocks if block for line in (*block, "")]

    def call(self, method: str, *args: str, **options: str) -> str:
        words = [*args, *(f"{name}={value}" for name, value in options.items())]
        return f"diagram.{method}({', '.join(words)})"

    def object(self, name: str) -> str:
        space = self.diagram.spaces[name]
        options = {} if space.shape is None else {"shape": repr(space.shape)}
        if space.dtype != "float":
            options["dtype"] = _text(space.dtype)
        return f"{self.variables[name]} = {self.call('object', _text(name), **options)}"

    def generator(self, name: str) -> str:
        morphism, role = self.diagram.generators[name], self.diagram.roles[name]
        args = [_text(name), self.end(morphism.dom), self.end(morphism.cod)]
        if name in self.diagram.specs:
            args.append(_text(str(self.diagram.specs[name])))
        return f"{self.variables[name]} = {self.call('model' if role == 'ema' else role, *args)}"

    def end(self, obj: Object) -> str:
        return " * ".join(self.variables[sort.name] for sort in obj.factors) or "diagram.unit"

    def side(self, morphism: Morphism) -> str:
        """An expression in Python: the same signs bind in the same way."""
        text = morphism.text()
        tokens = list(scan(Source(text))) if len(text) < LONGEST * 20 else []
        if not 0 < len(tokens) <= LONGEST:
            return _text(text)
        words = []
        before = ""
        for token in tokens:
            # The terminal object is the one number that stands where an object does: first within brackets.
            word = "diagram.unit" if token == "1" and before == "(" else WORDS.get(token) or self.variables.get(token)
            words.append(word or str(token))
            before = token
        return re.sub(r"(?<=[(]) | (?=[),])|(?<=[\w)]) (?=[(])", "", " ".join(words))

    def equation(self, method: str, value: Any) -> str:
        options: dict[str, str] = {}
        if value.on:
            options["on"] = f"[{', '.join(map(self.side, value.on))}]"
        options["by"] = _text(str(value.by))
        weight = getattr(value, "weight", 1.0)
        if weight != 1:
            options["weight"] = _text(str(weight)) if isinstance(weight, Schedule) else repr(weight)
        if getattr(value, "train", None) is not None:
            options["train"] = _list(value.train)
        return self.call(method, _text(value.name), self.side(value.left), self.side(value.right), **options)

    def stage(self, stage: Any) -> str:
        lasts = {word: repr(count) for word in ("epochs", "steps") if (count := getattr(stage, word)) is not None}
        return self.call("stage", _text(stage.name), train=_list(stage.train), by=_list(stage.by), **lasts)


def _text(text: str) -> str:
    """A text as Python has it: in double quotes where that costs no escapes."""
    return json.dumps(text, ensure_ascii=False) if text.isprintable() and not set('"\\') & set(text) else repr(text)


def _list(names: Any) -> str:
    return f"[{', '.join(map(_text, names))}]"


def _each(options: dict[str, Any]) -> dict[str, str]:
    return {name: _text(value) if isinstance(value, str) else repr(value) for name, value in options.items()}
