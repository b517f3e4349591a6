"""Activation checkpointing on PyTorch: what a map computes on the way to its value is not kept, but computed again when
gradients pass (Chen, Xu, Zhang and Guestrin 2016, Training Deep Nets with Sublinear Memory Cost).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

__all__ = ["computed_again"]

Application = Callable[..., Any]
"""A function (state, *arguments) -> value."""


def computed_again(module: nn.Module, application: Application) -> Application:
    """The application of a map that keeps its arguments alone for the backward pass.

    The second time it computes in the mode and with the draws of the first, and learns no statistics.
    """
    parts = tuple(module.modules())
    places = [(part._buffers, name) for part in parts for name in part._buffers]

    def again(state: Any, *arguments: Any) -> Any:
        if not torch.is_grad_enabled():
            return application(state, *arguments)
        modes = [part.training for part in parts]
        learns = any(modes) and bool(places)
        before = [_copy(buffers[name]) for buffers, name in places] if learns else []

        @contextmanager
        def as_before() -> Iterator[None]:
            now = [part.training for part in parts]
            learned = [buffers[name] for buffers, name in places] if learns else []
            try:
                _put(parts, modes)
                if learns:
                    for (buffers, name), buffer in zip(places, before, strict=True):
                        buffers[name] = _copy(buffer)
                yield
            finally:
                _put(parts, now)
                if learns:
                    for (buffers, name), buffer in zip(places, learned, strict=True):
                        buffers[name] = buffer

        return checkpoint(
            application, state, *arguments, use_reentrant=False, context_fn=lambda: (nullcontext(), as_before())
        )

    return again


def _put(parts: tuple[nn.Module, ...], modes: list[bool]) -> None:
    for part, mode in zip(parts, modes, strict=True):
        part.training = mode


def _copy(buffer: torch.Tensor | None) -> torch.Tensor | None:
    return None if buffer is None else buffer.detach().clone()
