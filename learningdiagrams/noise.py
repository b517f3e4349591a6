"""Randomness as data: noise drawn on the host, keyed by what it is for.

Every draw has a key, (seed, step, name of the noise), and nothing else decides its numbers: they are the
same on every backend, and again after a restart. One name is drawn once for a batch, however often it occurs.
The name is the one that the noise was first declared with: where gluing gives it another, its realisation
keeps the first, `normal(16, key="z")`.

Numbers are drawn row after row in float64. So the draw for all rows may be taken in parts: evaluation in
batches sees the same noise as one large batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from learningdiagrams.errors import DiagramError
from learningdiagrams.specs import Noise, Spec, normal, shuffle, uniform

if TYPE_CHECKING:
    from learningdiagrams.diagram import Diagram

__all__ = ["draw_noise", "draw_parts", "keyed", "noise_names", "pick", "rows_of"]

Batch = dict[str, Any]


def keyed(*key: Any) -> np.random.Generator:
    """The random generator of this key (numbers, texts and tuples of them): one key, one stream of numbers.

    >>> int(keyed(0, "order", 3).integers(100)) == int(keyed(0, "order", 3).integers(100))
    True
    """
    digest = blake2b(repr(key).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


def rows_of(value: Any) -> int:
    """The number of rows of a value: an array, or a tuple of arrays, with the batch axis first."""
    while isinstance(value, tuple):
        value = value[0]
    return int(value.shape[0])


def pick(value: Any, rows: Any) -> Any:
    """These rows (indices or a slice) of an array of any kind, or of each of a tuple."""
    if isinstance(value, tuple):
        return tuple(pick(part, rows) for part in value)
    if isinstance(rows, np.ndarray) and isinstance(value, np.ndarray):
        return value.take(rows, axis=0)
    return value[rows]


def noise_names(diagram: Diagram, needed: Collection[str] | None = None) -> list[str]:
    """The noise generators, or those of them that are needed."""
    return [name for name, role in diagram.roles.items() if role == "noise" and (needed is None or name in needed)]


def draw_noise(
    diagram: Diagram,
    batch: Mapping[str, Any],
    step: int | tuple[int, ...],
    seed: int,
    *,
    needed: Collection[str] | None = None,
    rows: int | None = None,
    axes: Mapping[str, int] | None = None,
    dtype: str = "float64",
) -> Batch:
    """The batch with its noise drawn. Noise that the batch already holds stays; noise of a sample object
    that the batch lacks is left out.

    Args:
        batch: {data generator: value}, NumPy's arrays or a backend's; `shuffle` permutes them as they are.
        step: the step that keys the draw; or the step and further numbers, where one step draws several
            times.
        needed: the only names that are wanted; None for all.
        rows: how many rows of a sample object that has noise but no data; without it as many as the largest
            sample object of the batch has.
        axes: the numbers that named axes of declared shapes stand for; None to read them off the batch.
        dtype: what the numbers, drawn in float64, are rounded to.

    >>> from learningdiagrams.diagram import Diagram
    >>> d = Diagram()
    >>> S, A, Z = d.objects("S", "A", "Z")
    >>> x, z, y = d.data("x", S, A), d.noise("z", S, Z, "normal(2)"), d.noise("y", S, A, "shuffle(x)")
    >>> drawn = draw_noise(d, {"x": np.arange(4.0)}, step=0, seed=0)
    >>> drawn["z"].shape, sorted(drawn["y"].tolist())
    ((4, 2), [0.0, 1.0, 2.0, 3.0])

    Raises:
        DiagramError: `normal()` for an object whose shape is not known; a sample object of noise alone in
            an empty batch, without `rows`.
    """
    out = dict(batch)
    names = [name for name in noise_names(diagram, needed) if name not in batch]
    if not names:
        return out
    present = _rows_by_sample(diagram, batch)
    axes = _axes(diagram, batch) if axes is None else axes
    for name in names:
        sample, spec = diagram.generators[name].dom.name, diagram.specs[name]
        if isinstance(spec, shuffle) and spec.data not in batch:
            continue
        if sample in present:
            size = present[sample]
        elif any(diagram.roles[d] == "data" for d in _sources(diagram, sample)):
            continue
        else:
            size = rows if rows is not None else max(present.values(), default=0)
            if not size:
                raise DiagramError(
                    f"`{name}`: {sample} has noise but no data, and the batch holds nothing to tell its "
                    "size; say how many rows to draw"
                )
        out[name] = next(_parts(diagram, name, (seed, step), [slice(0, size)], batch, axes, dtype))
    return out


def draw_parts(
    diagram: Diagram,
    values: Mapping[str, Any],
    sample: str,
    step: int | tuple[int, ...],
    seed: int,
    parts: Sequence[slice],
    *,
    needed: Collection[str],
    axes: Mapping[str, int],
    dtype: str = "float64",
) -> Iterator[Batch]:
    """The noise of one sample object for its rows, part after part: the same numbers as `draw_noise` for
    all rows at once.

    Args:
        values: all data of the sample object; parts: consecutive slices of its rows, from the first to the
            last.
    """
    names = [n for n in noise_names(diagram, needed) if diagram.generators[n].dom.name == sample]
    drawn = {name: _parts(diagram, name, (seed, step), parts, values, axes, dtype) for name in names}
    for _ in parts:
        yield {name: next(part) for name, part in drawn.items()}


def _sources(diagram: Diagram, sample: str) -> list[str]:
    """The data and noise generators out of a sample object."""
    return [
        name
        for name, role in diagram.roles.items()
        if role in ("data", "noise") and diagram.generators[name].dom.name == sample
    ]


def _rows_by_sample(diagram: Diagram, batch: Mapping[str, Any]) -> dict[str, int]:
    """How many rows the batch holds of each sample object."""
    found: dict[str, int] = {}
    for name, value in batch.items():
        if name in diagram.generators:
            found.setdefault(diagram.generators[name].dom.name, rows_of(value))
    return found


def _axes(diagram: Diagram, batch: Mapping[str, Any]) -> dict[str, int]:
    """The numbers of named axes, read off values that have the declared number of axes."""
    found: dict[str, int] = {}
    for name, value in batch.items():
        parts = value if isinstance(value, tuple) else (value,)
        for part, factor in zip(parts, diagram.generators[name].cod.factors, strict=False):
            shape = diagram.spaces[factor.name].shape
            if shape is not None and len(shape) == len(part.shape) - 1:
                found.update((a, int(n)) for a, n in zip(shape, part.shape[1:], strict=True) if isinstance(a, str))
    return found


def _parts(
    diagram: Diagram,
    name: str,
    key: tuple[Any, ...],
    parts: Sequence[slice],
    values: Mapping[str, Any],
    axes: Mapping[str, int],
    dtype: str,
) -> Iterator[Any]:
    """The values of one noise generator, part after part."""
    spec, cod = diagram.specs[name], diagram.generators[name].cod
    assert isinstance(spec, Noise)
    first = spec.key or name
    if isinstance(spec, shuffle):
        order = keyed(*key, first).permutation(parts[-1].stop)
        for part in parts:
            yield pick(values[spec.data], order[part])
        return
    shapes = [_shape(diagram, name, spec, factor.name, axes) for factor in cod.factors]
    streams = [keyed(*key, first, i) for i in range(len(shapes))]
    for part in parts:
        drawn = tuple(
            _draw(spec, stream, (part.stop - part.start, *shape)).astype(dtype, copy=False)
            for stream, shape in zip(streams, shapes, strict=True)
        )
        yield drawn[0] if len(drawn) == 1 else drawn


def _draw(spec: Spec, stream: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    if isinstance(spec, normal):
        return stream.standard_normal(shape) * spec.std
    assert isinstance(spec, uniform)
    return spec.low + (spec.high - spec.low) * stream.random(shape)


def _shape(diagram: Diagram, name: str, spec: Spec, sort: str, axes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape of one value: as the realisation says, or as the object declares."""
    assert isinstance(spec, normal | uniform)
    space = diagram.spaces[sort]
    if space.dtype != "float":
        raise DiagramError(f"`{name}`: {spec} draws real numbers, but {sort} is declared {space.dtype}")
    if spec.axes:
        return spec.axes
    word = type(spec).__name__
    if space.shape is None:
        raise DiagramError(
            f"`{name}`: {word}() takes the shape that {sort} declares, and it declares none; write "
            f"{word}(16), or object {sort}[16]"
        )
    unknown = [axis for axis in space.shape if isinstance(axis, str) and axis not in axes]
    if unknown:
        raise DiagramError(
            f"`{name}`: {word}() takes the shape of {sort}{space}, and nothing says what number {unknown[0]} "
            f"stands for; write {word}(16), or a number in the declaration of {sort}"
        )
    return tuple(axes[axis] if isinstance(axis, str) else axis for axis in space.shape)
