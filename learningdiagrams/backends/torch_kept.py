"""Parameters of several modules kept stacked while they are trained, on PyTorch.

A *column* is one parameter of K modules of one architecture. While it is kept, one tensor of shape (K, …) holds its
numbers; each module's own parameter is a view of its row, so that whoever reads or fills a parameter in place does so
as ever. A stacked call takes the whole tensor as it is, its gradient comes as one, and an optimizer moves it in one go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["Column", "Kept", "can_be_kept"]

Column = tuple[nn.Parameter, ...]


def can_be_kept(columns: Iterable[Column], every: Iterable[Tensor]) -> list[Column]:
    """Those of the columns whose parameters lie in memory of their own, and that nobody watches.

    Args:
        every: all tensors of all maps.
    """
    places = Counter(tensor.untyped_storage().data_ptr() for tensor in dict.fromkeys(every))
    taken: set[Tensor] = set()
    found = []
    for column in columns:
        apart = len(set(column)) == len(column) and taken.isdisjoint(column)
        if apart and all(_is_plain(tensor) and places[tensor.untyped_storage().data_ptr()] == 1 for tensor in column):
            taken.update(column)
            found.append(column)
    return found


def _is_plain(tensor: nn.Parameter) -> bool:
    watched = tensor._backward_hooks or getattr(tensor, "_post_accumulate_grad_hooks", None)
    whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
    return type(tensor) is nn.Parameter and tensor.requires_grad and tensor.is_contiguous() and whole and not watched


class Kept:
    """The columns that are kept stacked just now; those of one trainer at a time."""

    def __init__(self) -> None:
        self._stacks: dict[tuple[int, ...], nn.Parameter] = {}
        self._columns: dict[nn.Parameter, Column] = {}
        self._rows: list[tuple[nn.Parameter, int]] = []
        self._owner: object = None
        self._used = False

    def stack(self, identity: tuple[int, ...]) -> nn.Parameter | None:
        """The tensor that is to be taken for a column, by the identities of its parameters; None where it is not kept.

        Outside of a trainer's own step gradients are to reach the parameters themselves.
        """
        return self._stacks.get(identity) if self._used else None

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """A region in which stacked calls take what is kept."""
        before, self._used = self._used, True
        try:
            yield
        finally:
            self._used = before

    def is_of(self, owner: object) -> bool:
        """Whether the columns are those that this one asked for."""
        return self._owner is owner

    def take(self, columns: Sequence[Column], owner: object) -> dict[Column, nn.Parameter]:
        """Keeps these columns from now on, and no others; what holds each."""
        self.release()
        self._owner = owner
        for column in columns:
            with torch.no_grad():
                whole = nn.Parameter(torch.stack([tensor.detach() for tensor in column]))
            self._stacks[tuple(map(id, column))] = whole
            self._columns[whole] = column
        self._lay()
        return {column: whole for whole, column in self._columns.items()}

    def check(self) -> None:
        """Sees to it that every parameter still is its row, also where somebody gave a module other memory since."""
        if any(tensor.data_ptr() != at for tensor, at in self._rows):
            with torch.no_grad():
                for whole, column in self._columns.items():
                    whole.copy_(torch.stack([tensor.detach() for tensor in column]))
            self._lay()

    def collect(self) -> None:
        """Adds to the gradients of what is stacked those that went to single parameters, by calls that were not."""
        for whole, column in self._columns.items():
            for row, tensor in enumerate(column):
                if tensor.grad is not None:
                    if whole.grad is None:
                        whole.grad = torch.zeros_like(whole)
                    whole.grad[row] += tensor.grad
                    tensor.grad = None

    def release(self) -> None:
        """Gives every parameter memory of its own again."""
        with torch.no_grad():
            for column in self._columns.values():
                for tensor in column:
                    numbers = tensor.detach()
                    tensor.data = torch.empty_like(numbers)
                    tensor.copy_(numbers)  # in place, so that it counts as a change
        self._owner = None
        self._stacks.clear()
        self._columns.clear()
        self._rows.clear()

    def _lay(self) -> None:
        self._rows.clear()
        for whole, column in self._columns.items():
            for tensor, row in zip(column, whole.data.unbind(0), strict=True):
                tensor.data = row
                self._rows.append((tensor, row.data_ptr()))
