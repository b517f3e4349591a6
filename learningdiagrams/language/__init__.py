"""The text form of diagrams, read: `load` and `loads` a diagram, and parse expressions over one.

>>> d = loads('''
... diagram Distillation
... object Sample, Image[64], Logits[10]
... data   pixels  : Sample -> Image
... frozen teacher : Image -> Logits
... model  student : Image -> Logits
... goal soft : pixels >> student = pixels >> teacher by kl(temperature=4)
... ''')
>>> d.goals["soft"].by, parse_expression(d, "pixels >> student")
(kl(temperature=4), pixels >> student)
>>> loads("object A\\nmodel f : A -> B\\nmodle g : A -> A")
Traceback (most recent call last):
learningdiagrams.language.scanning.LanguageError: <text>:2:16: there is no object `B`; there is A
<text>:3:1: there is no declaration `modle`; did you mean `model`?
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from lark import Token, Tree

from learningdiagrams.diagram import DECLARATIONS, Diagram
from learningdiagrams.errors import suggestion
from learningdiagrams.language.expressions import Expressions
from learningdiagrams.language.reading import Declaration, Reader
from learningdiagrams.language.scanning import LanguageError, Line, Problem, Source, lines, text_of, words
from learningdiagrams.language.syntax import parse, start
from learningdiagrams.theory.morphisms import Morphism

__all__ = ["LanguageError", "Problem", "load", "loads", "parse_equation", "parse_expression"]


def loads(text: str, *, file: str = "<text>", directory: str | Path | None = None, trust: bool = False) -> Diagram:
    """The diagram that a text declares.

    `file` is the name in errors, `directory` the folder that paths in the text are relative to. `trust`
    says whether code that the text names may be run when it is compiled; reading runs none.

    Raises :class:`LanguageError` with everything that is wrong with the text, sorted by place.
    """
    source = Source(text, file)
    declarations: list[Declaration] = []
    found = list(lines(source))
    head: Line | None = None
    failed = False
    for line, following in zip_longest(found, found[1:]):
        rest = head is not None and _goes_on(source, line, head)
        if rest and failed:
            continue  # a declaration that was broken over lines is one mistake, which is noted
        head = head if rest else line
        cut = following is not None and _goes_on(source, following, head or line)
        tree = parse(source, line, "declaration", cut)
        failed = tree is None
        declarations.append(Declaration(tree, start(line.tokens[0]), _declared(line.tokens)))  # type: ignore[arg-type]
    return build(source, declarations, directory, trust)


def _goes_on(source: Source, line: Line, head: Line) -> bool:
    """Whether a line starts no declaration and looks like the rest of the one that `head` starts."""
    first = line.tokens[0]
    if first in DECLARATIONS or suggestion(first, DECLARATIONS):
        return False
    return first.type != "NAME" or source.place(start(first))[1] > source.place(start(head.tokens[0]))[1]


def build(source: Source, declarations: Sequence[Declaration], directory: str | Path | None, trust: bool) -> Diagram:
    """The diagram of some declarations; raises :class:`LanguageError` with all that is wrong with them."""
    diagram = Diagram(*_title(declarations))
    diagram.directory = None if directory is None else Path(directory)
    diagram.trusted = trust
    reader = Reader(source, diagram)
    reader.read(declarations)
    source.check()
    diagram.places.update((name, source.place(at)) for name, at in reader.declared.items())
    for declaration in declarations:
        diagram.places.update((str(name), source.place(declaration.at)) for name in declaration.names)
    return diagram


def _title(declarations: Sequence[Declaration]) -> list[str]:
    tree = declarations[0].tree if declarations else None
    if tree is None or tree.data != "title":
        return []
    word = tree.children[0]
    assert isinstance(word, Token)
    return [text_of(word) if word.type == "TEXT" else str(word)]


def _declared(tokens: list[Token]) -> list[Token]:
    """The names that a declaration declares, as far as can be told without its grammar."""
    first = str(tokens[0])
    if first == "object" or "`object`" in suggestion(first, ["object"]):
        found, depth, fresh = [], 0, True
        for token in tokens[1:]:
            depth += (token == "[") - (token == "]")
            if fresh and not depth and token.type == "NAME":
                found.append(token)
            fresh = token == "," or token.type == "WRONG"
        return found
    if first in ("diagram", "style") or len(tokens) < 3 or tokens[1].type != "NAME":
        return []
    return [tokens[1]] if first != "law" or tokens[2] == ":" else []


def parse_expression(diagram: Diagram, text: str) -> Morphism:
    """The morphism that an expression over a diagram denotes; errors are at `EXPRESSION:LINE:COLUMN`."""
    source = Source(text, "EXPRESSION")
    tree = parse(source, words(source), "expression")
    made = None if tree is None else Expressions(source, diagram).morphism(tree)
    source.check()
    assert made is not None
    return made


def parse_equation(diagram: Diagram, text: str) -> tuple[Morphism, Morphism]:
    """Both sides of an equation `p = q` over a diagram; errors are at `EQUATION:LINE:COLUMN`."""
    source = Source(text, "EQUATION")
    tree = parse(source, words(source), "equation")
    reader = Expressions(source, diagram)
    made = reader.equation("the equation", tree) if isinstance(tree, Tree) else None
    source.check()
    assert made is not None
    return made


ENDINGS = (".diagram", ".json")


def load(path: str | Path, *, trust: bool = False) -> Diagram:
    """The diagram in a file, by its ending: `.diagram`, the text form, or `.json`, as `Diagram.save` writes.

    Relative paths in the diagram start from the file's folder. `trust` says whether code that the file names
    may be imported and run when the diagram is compiled; loading runs none.

    Raises :class:`LanguageError` with all that is wrong with the file, `OSError` where it cannot be read.
    """
    file = Path(path)
    if file.suffix not in ENDINGS:
        what = f"a diagram is read from a file that ends in {' or '.join(ENDINGS)}"
        raise LanguageError([Problem(str(path), 1, 1, what + suggestion(file.suffix, ENDINGS))])
    if file.suffix == ".json":
        from learningdiagrams.language.json_form import loads_json as read
    else:
        read = loads
    # Bytes that do not decode become lone surrogates, which are then found with their places.
    text = file.read_bytes().decode("utf-8", errors="surrogateescape")
    return read(text, file=str(path), directory=file.parent, trust=trust)
