"""Data of several sample objects: checked once, then handed out in batches.

Data are either all in memory (:class:`Data`: arrays by the names of data generators) or come batch by batch
(:class:`Stream`: a DataLoader, any iterable, or a function of the epoch). :func:`as_data` makes one or the
other, and says what is wrong before anything trains: an unknown name, a missing one, lengths that differ
within one sample object, a shape or a kind of number other than declared.

Arrays stay what they are (NumPy's, torch's, JAX's); nothing here imports a framework.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from learningdiagrams.datasets import load_sources
from learningdiagrams.errors import DiagramError, suggestion
from learningdiagrams.noise import draw_noise, keyed, pick

if TYPE_CHECKING:
    from learningdiagrams.diagram import Diagram

__all__ = [
    "Batch",
    "Data",
    "Stream",
    "as_batch",
    "as_data",
    "check_batch",
    "draw_noise",
    "epoch_order",
    "host",
    "load_sources",
    "split",
    "steps_in_epoch",
]

Batch = dict[str, Any]
Indices = Mapping[str, Any]
"""Rows to take of each sample object: whole numbers, or a slice."""


@dataclass(frozen=True, eq=False)
class Data:
    """Data in memory.

    Attributes:
        values: {data generator: an array whose first axis counts the rows, or a tuple of them for a product}.
        sizes: {sample object: its number of rows}, of those that the data hold.
        axes: the numbers that named axes of declared shapes turned out to stand for.
        made: {name: sample object} of values that are no data generator's, but were computed from such.
    """

    diagram: Diagram
    values: Mapping[str, Any]
    sizes: Mapping[str, int]
    axes: Mapping[str, int]
    made: Mapping[str, str] = field(default_factory=dict)

    def sample_of(self, name: str) -> str:
        """The sample object that a value comes out of."""
        return self.made[name] if name in self.made else self.diagram.generators[name].dom.name

    def of(self, sample: str) -> dict[str, Any]:
        """All values of one sample object."""
        return {n: v for n, v in self.values.items() if self.sample_of(n) == sample}

    def take(self, sample: str, rows: Any) -> Batch:
        """These rows (indices or a slice) of one sample object."""
        return {name: pick(value, rows) for name, value in self.of(sample).items()}

    def batch(self, rows: Indices) -> Batch:
        """These rows of each sample object."""
        return {
            name: pick(value, rows[sample])
            for (name, value), sample in zip(self.values.items(), self._samples, strict=True)
            if sample in rows
        }

    @cached_property
    def _samples(self) -> tuple[str, ...]:
        """The sample object of each value, in their order."""
        return tuple(map(self.sample_of, self.values))

    def only(self, names: Collection[str]) -> Data:
        """The values of these data generators alone, and their sample objects."""
        values = {name: value for name, value in self.values.items() if name in names}
        samples = set(map(self.sample_of, values))
        sizes = {sample: size for sample, size in self.sizes.items() if sample in samples}
        return Data(self.diagram, values, sizes, self.axes, self.made)

    def beside(self, values: Mapping[str, Any], samples: Mapping[str, str]) -> Data:
        """The same data, and beside them values that were computed for each row of their sample objects."""
        return Data(self.diagram, {**self.values, **values}, self.sizes, self.axes, {**self.made, **samples})

    def map(self, change: Callable[[Any], Any]) -> Data:
        """The same data, with every array changed by a function that keeps rows and shapes."""
        values = {n: _each(change, v) for n, v in self.values.items()}
        return Data(self.diagram, values, self.sizes, self.axes, self.made)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{size} rows of {sample}" for sample, size in self.sizes.items())
        return f"<Data {', '.join(self.values)}: {sizes or 'empty'}>"


class Stream:
    """Data that come batch by batch; one pass is an epoch.

    Attributes:
        length: the number of batches of one pass, or None where the source does not say.
        once: whether there is one pass only, as through a generator.
    """

    def __init__(self, diagram: Diagram, source: Any, where: str):
        self.diagram = diagram
        self.where = where
        self._source = source
        self._passes = 0
        self.once: bool = isinstance(source, Iterator)
        try:
            self.length: int | None = len(source)  # type: ignore[arg-type]
        except TypeError:
            self.length = None
        if callable(source) and not isinstance(source, Iterable):
            try:
                inspect.signature(source).bind(0)
            except (TypeError, ValueError):
                raise DiagramError(
                    f"{where}: a function that makes batches is called with the number of the epoch, "
                    "as in lambda epoch: batches"
                ) from None

    def batches(self, epoch: int) -> Iterator[tuple[Batch, dict[str, int]]]:
        """One pass: each batch as a dictionary, checked, and its rows of each sample object."""
        source = self._source if isinstance(self._source, Iterable) else self._source(epoch)
        count = 0
        for element in source:
            yield self._read(element, count)
            count += 1
        if not count:
            again = "; give something that can be iterated again, or a function of the epoch"
            raise DiagramError(f"{self.where}: there is no batch in it{again if self._passes else ''}")
        self._passes += 1

    def _read(self, element: Any, count: int) -> tuple[Batch, dict[str, int]]:
        where = f"{self.where}, batch {count}"
        if not isinstance(element, Mapping):
            names = [name for name, role in self.diagram.roles.items() if role == "data"]
            parts = tuple(element) if isinstance(element, tuple | list) else (element,)
            if len(parts) != len(names):
                raise DiagramError(
                    f"{where}: a batch is a dictionary, or a tuple in the order of the data "
                    f"({', '.join(names)}); this one has {len(parts)} part{'s' * (len(parts) != 1)}"
                )
            element = dict(zip(names, parts, strict=True))
        batch = _by_name(self.diagram, element, where)
        return batch, check_batch(self.diagram, batch, where=where)[0]

    def __repr__(self) -> str:
        return f"<Stream of {'?' if self.length is None else self.length} batches>"


def as_data(diagram: Diagram, data: Any, *, where: str = "data") -> Data | Stream:
    """Data of any form, checked against the diagram.

    Args:
        data: {data generator: value} with arrays of NumPy, torch or JAX, or lists of numbers, rows first,
            tuples of them for products; such dictionaries by sample object, {sample object: {data generator:
            value}}; or an iterable of batches (a `DataLoader`), each a dictionary or a tuple in the order of
            the data generators; or a function of the epoch that returns such an iterable; or what this
            function returned.
        where: what errors begin with.

    A value of an object declared `[n, C]` has the shape (rows, n, C); whole numbers may leave out the last
    axis: they are class numbers.

    >>> from learningdiagrams.diagram import Diagram
    >>> d = Diagram()
    >>> S, X, Y = d.object("S"), d.object("X", shape=("n",)), d.object("Y", shape=(10,))
    >>> x, y = d.data("pixels", S, X), d.data("label", S, Y)
    >>> data = as_data(d, {"pixels": [[0.0, 1.0], [2.0, 3.0]], "label": [7, 3]})
    >>> data.sizes, data.axes, data.take("S", [1])["label"].tolist()
    ({'S': 2}, {'n': 2}, [3])
    >>> as_data(d, {"pixel": [[0.0]]})
    Traceback (most recent call last):
    learningdiagrams.errors.DiagramError: data: there is no data generator `pixel`; did you mean `pixels`?

    Raises:
        DiagramError: as above, naming the generator, what it is to be and what it is.
    """
    if isinstance(data, Data | Stream):
        return data
    if isinstance(data, Mapping):
        values = _by_name(diagram, data, where)
        sizes, axes = check_batch(diagram, values, where=where)
        return Data(diagram, values, sizes, axes)
    if (isinstance(data, Iterable) or callable(data)) and not hasattr(data, "shape"):
        return Stream(diagram, data, where)
    raise DiagramError(
        f"{where}: data are a dictionary of arrays by the names of the data generators, an iterable of "
        f"batches, or a function of the epoch that returns one, not {type(data).__name__}"
    )


def as_batch(diagram: Diagram, batch: Mapping[str, Any], *, where: str = "batch") -> tuple[Batch, Mapping[str, int]]:
    """One batch, checked as in :func:`as_data`, and the numbers of named axes; it may lack data, and may hold
    noise that was drawn before.
    """
    if not isinstance(batch, Mapping):
        raise DiagramError(
            f"{where}: a batch is a dictionary of arrays by the names of the data generators, not "
            f"{type(batch).__name__}"
        )
    values = _by_name(diagram, batch, where)
    return values, check_batch(diagram, values, where=where, whole=False)[1]


def check_batch(
    diagram: Diagram, values: Mapping[str, Any], *, where: str = "batch", whole: bool = True
) -> tuple[dict[str, int], dict[str, int]]:
    """Checks values by data generator; returns the rows of each sample object and the numbers of named axes.

    Args:
        whole: whether all data of a sample object are to be there, and no noise.

    Raises:
        DiagramError: an unknown or missing name, lengths that differ, a shape or kind of number other than
            declared.
    """
    sizes: dict[str, int] = {}
    first: dict[str, str] = {}
    axes: dict[str, tuple[int, str]] = {}
    for name, value in values.items():
        _check_name(diagram, name, where, drawn=not whole)
        morphism = diagram.generators[name]
        what = f"{where}: `{name}`"
        factors = morphism.cod.factors
        parts = value if isinstance(value, tuple) else (value,)
        if len(parts) != len(factors):
            raise DiagramError(
                f"{what}: {morphism.cod} is a product of {len(factors)}, so that its value is a tuple of as "
                f"many arrays, not {len(parts)}"
                if len(factors) != 1
                else f"{what}: one array is wanted for {morphism.cod}, not a tuple of {len(parts)}",
                name,
            )
        for part, factor in zip(parts, factors, strict=True):
            _check_value(diagram, what, name, part, factor.name, axes)
            rows, sample = int(part.shape[0]), morphism.dom.name
            if rows != sizes.setdefault(sample, rows):
                other = first[sample]
                raise DiagramError(
                    f"{what} has {rows} rows, but `{other}` has {sizes[sample]}; "
                    + (
                        "all its factors are to have as many"
                        if other == name
                        else f"both come out of {sample}, one row for each sample"
                    ),
                    name,
                )
            first.setdefault(sample, name)
    if whole:
        _check_missing(diagram, values, sizes, where)
    return sizes, {axis: number for axis, (number, _) in axes.items()}


def _check_name(diagram: Diagram, name: str, where: str, drawn: bool) -> None:
    role = diagram.roles.get(name)
    if role == "data" or (drawn and role == "noise"):
        return
    if role is None:
        names = [n for n, r in diagram.roles.items() if r == "data"]
        close = suggestion(name, names) or (f"; there are {', '.join(names)}" if names else "; there are none")
        raise DiagramError(f"{where}: there is no data generator `{name}`{close}")
    if role == "noise":
        raise DiagramError(
            f"{where}: `{name}` is noise, which is drawn afresh for each batch; declare it as data to give its values",
            name,
        )
    raise DiagramError(f"{where}: `{name}` is a map of role {role}; values are given for data generators only", name)


def _check_value(
    diagram: Diagram, what: str, name: str, part: Any, sort: str, axes: dict[str, tuple[int, str]]
) -> None:
    """Checks one array against the declaration of its object, and unifies named axes."""
    shape, space = tuple(map(int, part.shape)), diagram.spaces[sort]
    if not shape:
        raise DiagramError(f"{what} is a single number; its first axis is to count the rows", name)
    if not shape[0]:
        raise DiagramError(f"{what} has no rows", name)
    kind = kind_of(part)
    if kind not in ("float", "int", "bool"):
        raise DiagramError(f"{what} holds {part.dtype}; numbers or truth values are wanted", name)
    if kind != space.dtype and space.dtype != "float":
        raise DiagramError(f"{what} holds {kind} numbers ({part.dtype}), but {sort} is declared {space.dtype}", name)
    if space.shape is None:
        return
    wanted = space.shape
    if kind == "int" and space.dtype == "float" and wanted and len(shape) == len(wanted):
        _check_classes(what, name, part, f"{sort}{space}", wanted[-1])
        wanted = wanted[:-1]  # class numbers stand for one-hot values
    right = len(shape) - 1 == len(wanted)
    for axis, number in zip(wanted, shape[1:], strict=False):
        if isinstance(axis, str):
            known, source = axes.setdefault(axis, (number, name))
            if known != number and right:
                raise DiagramError(
                    f"{what} has values of shape {_shape(shape[1:])}, so that {axis} in {sort}{space} is "
                    f"{number}, but it is {known} in `{source}`",
                    name,
                )
        else:
            right = right and axis == number
    if not right:
        classes = kind == "int" and space.dtype == "float" and bool(space.shape)
        also = f", or class numbers of shape {_shape(space.shape[:-1])}" if classes else ""
        raise DiagramError(
            f"{what} has values of shape {_shape(shape[1:])}, but {sort} is declared {space}{also}", name
        )


def _check_classes(what: str, name: str, part: Any, declared: str, count: int | str) -> None:
    """Class numbers on the host are checked before any step that cannot raise is compiled."""
    if isinstance(count, int) and isinstance(part, np.ndarray):
        strange = part[(part < 0) | (part >= count)]
        if strange.size:
            numbers = f"those of {declared} are 0…{count - 1}"
            raise DiagramError(f"{what}: {int(strange.flat[0])} is no class number; {numbers}", name)


def _shape(axes: Iterable[int | str]) -> str:
    return f"[{', '.join(map(str, axes))}]"


def _check_missing(diagram: Diagram, values: Mapping[str, Any], sizes: Mapping[str, int], where: str) -> None:
    for name, role in diagram.roles.items():
        sample = diagram.generators[name].dom.name
        if role == "data" and sample in sizes and name not in values:
            given = [n for n in values if diagram.generators[n].dom.name == sample]
            raise DiagramError(
                f"{where}: `{name}` is missing; it comes out of {sample}, as {', '.join(given)} "
                f"{'does' if len(given) == 1 else 'do'}",
                name,
            )


def kind_of(array: Any) -> str:
    """The kind of number an array holds, whichever framework's: "float", "int", "bool", or its dtype's own
    name.
    """
    # A NumPy type says in `name` what it is without its byte order.
    name = getattr(array.dtype, "name", str(array.dtype).removeprefix("torch."))
    for start, kind in (
        ("float", "float"),
        ("bfloat", "float"),
        ("int", "int"),
        ("uint", "int"),
        ("bool", "bool"),
    ):
        if name.startswith(start):
            return kind
    return name


def _by_name(diagram: Diagram, data: Mapping[Any, Any], where: str) -> Batch:
    """Values as arrays by data generator; those that stand under their sample object go up to the others."""
    found: Batch = {}
    for name, value in data.items():
        inside = {name: value}
        if isinstance(value, Mapping) and name in diagram.sorts:
            inside = value
            strange = [key for key in inside if key in diagram.roles and diagram.generators[key].dom.name != name]
            if strange:
                right = diagram.generators[strange[0]].dom
                raise DiagramError(f"{where}: `{strange[0]}` stands under {name}, and it comes out of {right}")
        found.update((str(key), _arrays(part, f"{where}: `{key}`")) for key, part in inside.items())
    return found


def _arrays(value: Any, what: str) -> Any:
    """A value as arrays: those of a framework stay, lists become NumPy's."""
    if isinstance(value, tuple):
        return tuple(_arrays(part, what) for part in value)
    if hasattr(value, "shape") and hasattr(value, "dtype") and hasattr(value, "__getitem__"):
        return value
    try:
        made = np.asarray(value)
    except ValueError:
        raise DiagramError(f"{what} is ragged; its rows are to have one shape") from None
    if made.dtype == object:
        raise DiagramError(f"{what} is {type(value).__name__}; an array of numbers is wanted")
    return made


def host(value: Any) -> Any:
    """A value as NumPy's arrays, without copying where the numbers are on the host already.

    Real numbers of a kind that NumPy has not (bfloat16) become float32, which holds them all.
    """
    if isinstance(value, tuple):
        return tuple(map(host, value))
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if value.is_floating_point() and value.element_size() < 4:
            value = value.float()
        return value.numpy()
    array = np.asarray(value)
    # Kinds that other libraries add to NumPy are void to it.
    return array.astype(np.float32) if array.dtype.kind == "V" and kind_of(array) == "float" else array


def _each(change: Callable[[Any], Any], value: Any) -> Any:
    return tuple(map(change, value)) if isinstance(value, tuple) else change(value)


def split(data: Data | Stream, fraction: float, seed: int) -> tuple[Data, Data]:
    """Training and validation data: of every sample object this fraction of its rows, chosen by the seed,
    is held out.

    Raises:
        DiagramError: a fraction that is no number between 0 and 1, a stream, a sample object with too few
            rows.
    """
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 < fraction < 1:
        raise DiagramError(f"validation is data, or a fraction between 0 and 1, not {fraction!r}")
    if isinstance(data, Stream):
        raise DiagramError(
            f"validation={fraction} holds out rows of data in memory; with batches from an iterable give "
            "validation data"
        )
    kept, held = {}, {}
    for sample, size in data.sizes.items():
        count = max(1, round(size * fraction))
        if count >= size:
            raise DiagramError(f"validation={fraction} leaves no rows of {sample} to train on; it has {size}")
        order = keyed(seed, "split", sample).permutation(size)
        held[sample], kept[sample] = np.sort(order[:count]), np.sort(order[count:])

    def part(rows: Mapping[str, np.ndarray]) -> Data:
        sizes = {sample: len(chosen) for sample, chosen in rows.items()}
        return Data(data.diagram, data.batch(rows), sizes, data.axes)

    return part(kept), part(held)


def steps_in_epoch(sizes: Mapping[str, int], batch_size: int) -> int:
    """How many batches cover the largest sample object, the last smaller one counted."""
    return -(-max(sizes.values(), default=0) // batch_size)


def epoch_order(
    sizes: Mapping[str, int], batch_size: int, *key: Any, start: int = 0
) -> Iterator[dict[str, np.ndarray]]:
    """The rows of each batch of one epoch: every sample object in an order of its own, keyed by `key` and
    its name.

    The epoch covers the largest sample object; each keeps its last smaller batch, and a shorter one starts
    over then, shuffled anew.

    Args:
        start: the batch to start from; the ones before are left out.

    >>> [{name: len(rows) for name, rows in b.items()} for b in epoch_order({"S": 5, "T": 3}, 2, 0)]
    [{'S': 2, 'T': 2}, {'S': 2, 'T': 1}, {'S': 1, 'T': 2}]
    """
    orders: dict[str, tuple[int, np.ndarray]] = {}
    for i in range(start, steps_in_epoch(sizes, batch_size)):
        batch = {}
        for sample, size in sizes.items():
            turn, place = divmod(i, -(-size // batch_size))
            if orders.get(sample, (-1,))[0] != turn:
                orders[sample] = turn, keyed(*key, sample, turn).permutation(size)
            batch[sample] = orders[sample][1][place * batch_size : (place + 1) * batch_size]
        yield batch
