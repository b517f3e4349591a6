"""Arrays and errors of JAX, as the modules about maps and programs need them."""

from __future__ import annotations

from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from jax.errors import (
    ConcretizationTypeError,
    NonConcreteBooleanIndexError,
    TracerArrayConversionError,
    TracerIntegerConversionError,
)

try:
    from jax import enable_x64  # type: ignore[attr-defined]  # its stubs lag behind
except ImportError:  # where it is not yet public
    from jax.experimental import enable_x64  # type: ignore[attr-defined]

__all__ = ["LOOKS", "as_arrays", "enable_x64", "is_array", "real_as"]

LOOKS: Final = (
    ConcretizationTypeError,
    NonConcreteBooleanIndexError,
    TracerArrayConversionError,
    TracerIntegerConversionError,
)
"""What JAX raises where a function looks at numbers that are not there while it is traced."""


def is_array(value: Any) -> bool:
    """Whether this is one array of JAX, traced or not."""
    return isinstance(value, jax.Array)


def as_arrays(value: Any) -> Any:
    """What a map returned, with NumPy's arrays and numbers in it as arrays of JAX."""
    if isinstance(value, tuple | list):
        return type(value)(map(as_arrays, value)) if type(value) in (tuple, list) else value
    return jnp.asarray(value) if isinstance(value, np.ndarray | np.generic) else value


def real_as(dtype: str, tree: Any) -> Any:
    """A tree with its arrays of real numbers as this kind; everything else in it stays."""

    def each(leaf: Any) -> Any:
        real = is_array(leaf) and jnp.issubdtype(leaf.dtype, jnp.floating)
        return leaf.astype(dtype) if real else leaf

    return jax.tree.map(each, tree)
