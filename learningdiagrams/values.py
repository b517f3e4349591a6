"""Named calls as values: `kl(temperature=4)`, `mlp(64, 32, 10)`, `npz("digits.npz", "images")`.

A comparator, a schedule and whatever realises a generator are written the same way in a `.diagram` file and
in Python, compare and hash by what they say, and hold no number that is ever trained. A kind of value is a
subclass of [`Value`][] with a lower-case name whose `__init__` says which arguments there are; a *family* is
a mapping from names to such classes, and [`call`][] makes one of its values from a call that was read.

>>> from learningdiagrams.losses import kl
>>> kl(4.0), kl(temperature=1), kl(4) == kl(4.0), hash(kl(4)) == hash(kl(4.0))
(kl(temperature=4), kl, True, True)
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from numbers import Integral, Real
from typing import Any, ClassVar, NoReturn, TypeGuard, TypeVar

from learningdiagrams.calls import Call, Name, parse_call
from learningdiagrams.errors import DiagramError, suggestion

__all__ = ["Spec", "Value", "call", "literal", "read"]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Value:
    """An immutable named call: equal when class and arguments are, printed as it is written in a diagram.

    A subclass sets one attribute for each parameter of its `__init__`, under the parameter's name; a `*args`
    parameter becomes a tuple, a `**options` parameter a dictionary. Class attributes:

    - `names`: the parameters that name something of the diagram, a `Name`, written without quotes
      (`shuffle(label)`);
    - `nested`: the parameters that are values of the same family themselves (`sequential(flatten, linear(64,
      10))`).
    """

    names: ClassVar[frozenset[str]] = frozenset()
    nested: ClassVar[frozenset[str]] = frozenset()

    def _set(self, **fields: Any) -> None:
        """Sets fields from within `__init__`, the only time at which they may be set; lists become tuples."""
        for name, field in fields.items():
            object.__setattr__(self, name, _frozen(field))

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{self} is a value; make another one instead of changing `{name}`")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{self} is a value; `{name}` stays")

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The positional arguments, and the options that are not their defaults: what makes it again.

        >>> from learningdiagrams.layers import mlp
        >>> mlp(64, 32, 10, activation="tanh", dropout=0).arguments()
        ((64, 32, 10), {'activation': 'tanh'})
        """
        args: list[Any] = []
        options: dict[str, Any] = {}
        for name, parameter in _parameters(type(self)).items():
            value = getattr(self, name)
            if parameter.kind is parameter.VAR_POSITIONAL:
                args.extend(value)
            elif parameter.kind is parameter.VAR_KEYWORD:
                options.update(value)
            elif parameter.default is parameter.empty and parameter.kind in _POSITIONAL:
                args.append(value)
            elif parameter.default is parameter.empty or value != parameter.default:
                options[name] = value
        return tuple(args), options

    def __repr__(self) -> str:
        args, options = self.arguments()
        words = [literal(x) for x in args]
        words += [f"{name}={literal(x)}" for name, x in options.items()]
        return f"{type(self).__name__}({', '.join(words)})" if words else type(self).__name__

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.arguments() == other.arguments()

    def __hash__(self) -> int:
        args, options = self.arguments()
        return hash((type(self), args, tuple(sorted(options.items()))))


class Spec(Value):
    """What realises a generator: a layer, data, noise, an average of another model, or named code."""


V = TypeVar("V", bound=Value)


def literal(x: Any) -> str:
    """The text of one argument, as a diagram writes it.

    >>> print(literal(4.0), literal(0.5), literal('a "b"'), literal((1, 2.0)), literal((3,)), literal(True))
    4 0.5 "a \\"b\\"" (1, 2) (3,) True
    """
    if x is None or isinstance(x, bool | Value):
        return str(x)
    if isinstance(x, str):
        return str(x) if isinstance(x, Name) else json.dumps(x, ensure_ascii=False)
    if isinstance(x, Integral):
        return str(int(x))
    if isinstance(x, Real):
        number = float(x)
        return str(int(number)) if number.is_integer() and abs(number) < 1e16 else repr(number)
    if isinstance(x, tuple | list):
        return f"({', '.join(map(literal, x))}{',' if len(x) == 1 else ''})"
    return repr(x)


def call(
    family: Mapping[str, type[V]],
    kind: str,
    name: str,
    args: Sequence[Any] = (),
    options: Mapping[str, Any] | None = None,
) -> V:
    """The value that a call stands for, among those of a family.

    Args:
        family: the classes by name; kind: what they are called in errors, such as "comparator".
        name, args, options: the call; arguments may be calls themselves where the class has `nested`.

    >>> from learningdiagrams.losses import COMPARATORS
    >>> call(COMPARATORS, "comparator", "kl", (), {"temperature": 4})
    kl(temperature=4)
    >>> call(COMPARATORS, "comparator", "kl", (), {"temprature": 4})
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: `kl` has no option `temprature`; did you mean `temperature`?

    Raises DiagramError for an unknown name or option, too many or too few arguments, and values out of range.
    """
    cls = family.get(name)
    if cls is None:
        names = f"; there are {', '.join(family)}" if 0 < len(family) < 20 else ""
        raise DiagramError(f"there is no {kind} `{name}`" + (suggestion(name, family) or names))
    parameters = _parameters(cls)
    places = _bind(name, parameters, args, options or {})

    def resolve(parameter: str, x: Any) -> Any:
        if parameter in cls.nested and isinstance(x, Name | Call):
            return call(family, kind, *(Call(str(x)) if isinstance(x, Name) else x))
        if isinstance(x, tuple | list) and not isinstance(x, Call):
            return tuple(resolve(parameter, y) for y in x)
        if isinstance(x, Call):
            raise DiagramError(f"`{name}`: {parameter} is not to be a call such as `{x.name}(…)`")
        if isinstance(x, Name) and parameter not in cls.names:
            raise DiagramError(f'`{name}`: `{x}` is no {parameter}; a text is written in quotes, "{x}"')
        return x

    given = [resolve(place, x) for place, x in zip(places, args, strict=True)]
    return cls(*given, **{option: resolve(option, x) for option, x in (options or {}).items()})


_VARARGS = inspect.Parameter.VAR_POSITIONAL


def _bind(
    name: str, parameters: Mapping[str, inspect.Parameter], args: Sequence[Any], options: Mapping[str, Any]
) -> list[str]:
    """The parameter that each positional argument meets; errors speak of the call, not of Python."""
    places = [p for p, parameter in parameters.items() if parameter.kind in _POSITIONAL]
    rest = next((p for p, parameter in parameters.items() if parameter.kind is _VARARGS), None)
    keywords = [p for p, parameter in parameters.items() if parameter.kind in _BY_NAME]
    open_ended = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
    if rest is None and len(args) > len(places):
        most = f"at most {len(places)} argument{'s' * (len(places) > 1)}" if places else "no arguments"
        raise DiagramError(f"`{name}` takes {most}, {len(args)} given")
    met = [places[i] if i < len(places) else str(rest) for i in range(len(args))]
    for option in options:
        if option not in keywords and not open_ended:
            have = suggestion(option, keywords) or (f"; it has {', '.join(keywords)}" if keywords else "; it has none")
            raise DiagramError(f"`{name}` has no option `{option}`{have}")
        if option in met and option in keywords:
            raise DiagramError(f"`{name}`: {option} is given twice")
    missing = [
        p
        for p, parameter in parameters.items()
        if p not in met
        and not (p in options and p in keywords)
        and parameter.kind in (*_POSITIONAL, *_BY_NAME)
        and parameter.default is parameter.empty
    ]
    if missing:
        raise DiagramError(f"`{name}` needs {', '.join(missing)}: {_usage(name, parameters)}")
    return met


def _usage(name: str, parameters: Mapping[str, inspect.Parameter]) -> str:
    """How a call is written: `npz(path, key)`, `mlp(*sizes, activation="relu")`."""
    words = [
        f"*{p}"
        if x.kind is _VARARGS
        else f"**{p}"
        if x.kind is x.VAR_KEYWORD
        else p
        if x.default is x.empty
        else f"{p}={literal(x.default)}"
        for p, x in parameters.items()
    ]
    return f"`{name}({', '.join(words)})`"


def read(family: Mapping[str, type[V]], kind: str, text: str) -> V:
    """The value of a family that a text stands for: `call` after `parse_call`."""
    return call(family, kind, *parse_call(text))


@cache
def _parameters(cls: type) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(cls).parameters


def _frozen(x: Any) -> Any:
    return tuple(map(_frozen, x)) if isinstance(x, tuple | list) else x


# What arguments are to be. Each check names the call, the argument, what it is to be and what was given.


def refuse(value: Value, what: str, wanted: str) -> NoReturn:
    given = getattr(value, what)
    shown = repr(float(given)) if isinstance(given, float) else literal(given)
    raise DiagramError(f"`{type(value).__name__}`: {what} is to be {wanted}, not {shown}")


def is_number(x: Any) -> TypeGuard[float]:
    """A finite real number, within the range of a float; a truth value is none."""
    if isinstance(x, bool) or not isinstance(x, Real):
        return False
    try:
        return math.isfinite(x)
    except OverflowError:
        return False


def is_whole(x: Any, least: int | None = 1) -> TypeGuard[int]:
    """A whole number, of at least `least` where that is given; a truth value is none."""
    return isinstance(x, Integral) and not isinstance(x, bool) and (least is None or int(x) >= least)


def want_positive(value: Value, *names: str) -> None:
    for name in names:
        x = getattr(value, name)
        if not (is_number(x) and x > 0):
            refuse(value, name, "a positive number")


def want_number(value: Value, *names: str) -> None:
    for name in names:
        if not is_number(getattr(value, name)):
            refuse(value, name, "a finite number")


def want_whole(value: Value, *names: str, least: int | None = 1) -> None:
    for name in names:
        if not is_whole(getattr(value, name), least):
            refuse(value, name, "a whole number" if least is None else f"a whole number of at least {least}")


def want_text(value: Value, *names: str) -> None:
    for name in names:
        x = getattr(value, name)
        if not (isinstance(x, str) and x):
            refuse(value, name, "a text in quotes")


def want_flag(value: Value, *names: str) -> None:
    for name in names:
        if not isinstance(getattr(value, name), bool):
            refuse(value, name, "True or False")


def want_one_of(value: Value, name: str, choices: Sequence[str | None]) -> None:
    x = getattr(value, name)
    if x in choices:
        return
    close = suggestion(x, [c for c in choices if c]) if isinstance(x, str) else ""
    words = ", ".join(literal(c) for c in choices)
    raise DiagramError(f"`{type(value).__name__}`: {name} is to be one of {words}, not {literal(x)}{close}")
