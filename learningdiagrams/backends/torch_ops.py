"""The operations of comparators on tensors of PyTorch, and the kernels that agree with their formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from learningdiagrams import losses

__all__ = ["TorchOps"]


def _cross_entropy(by: losses.cross_entropy, left: Tensor, right: Tensor) -> Tensor:
    if right.is_floating_point():
        return (
            F.cross_entropy(left.flatten(0, -2), right.flatten(0, -2))
            if left.ndim > 2
            else F.cross_entropy(left, right)
        )
    if left.ndim > 2:
        left, right = left.flatten(0, -2), right.flatten()
    # torch leaves the class −100 out by default; here it is as wrong as every other negative number.
    return F.cross_entropy(left, right, ignore_index=_NEVER)


_NEVER = torch.iinfo(torch.int64).min


def _kl(by: losses.kl, left: Tensor, right: Tensor) -> Tensor:
    t = by.temperature
    student, teacher = (left, right) if t == 1 else (left / t, right / t)
    total = torch.kl_div(student.log_softmax(-1), teacher.log_softmax(-1), _SUM, log_target=True)
    return total * (t * t * left.shape[-1] / left.numel())


_SUM = 2  # torch's number for the reduction "sum"


class TorchOps:
    """What :class:`~learningdiagrams.backends.comparators.Ops` asks for, on tensors of any device.

    >>> from learningdiagrams.backends.comparators import compare
    >>> compare(TorchOps(), losses.mse(), torch.zeros(2, 3), torch.ones(2, 3), where="goal `fit`")
    tensor(1.)
    """

    fused: Mapping[type[losses.Comparator], Callable[[Any, Tensor, Tensor], Tensor]] = {
        losses.mse: lambda by, left, right: F.mse_loss(left, right),
        losses.l1: lambda by, left, right: F.l1_loss(left, right),
        losses.huber: lambda by, left, right: F.huber_loss(left, right, delta=by.delta),
        losses.bce: lambda by, left, right: F.binary_cross_entropy_with_logits(left, right),
        losses.cross_entropy: _cross_entropy,
        losses.kl: _kl,
    }

    def kind(self, x: Tensor) -> str:
        if x.dtype.is_floating_point:
            return "float"
        return "bool" if x.dtype is torch.bool else "complex" if x.dtype.is_complex else "int"

    def alike(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        real = [t.dtype for t in (x, y) if t.dtype.is_floating_point] or [torch.get_default_dtype()]
        dtype = torch.promote_types(real[0], real[-1])
        return x.to(dtype), y.to(dtype)

    def number(self, truth: Tensor, like: Tensor) -> Tensor:
        return truth.to(like.dtype)

    def index(self, classes: Tensor) -> Tensor:
        return classes.long()

    def eager(self, x: Tensor) -> bool:
        # A subclass of Tensor is fake, or traced, or spread over machines: its numbers are not at hand.
        return x.device.type == "cpu" and type(x) is Tensor and not torch.compiler.is_compiling()

    def pick(self, rows: Tensor, classes: Tensor) -> Tensor:
        return rows.gather(-1, classes.unsqueeze(-1)).squeeze(-1)

    def arange(self, n: int, like: Tensor) -> Tensor:
        return torch.arange(n, device=like.device)

    def argmax(self, x: Tensor) -> Tensor:
        return x.argmax(-1)

    def sum(self, x: Tensor, axis: int) -> Tensor:
        return x.sum(axis)

    def mean(self, x: Tensor) -> Tensor:
        return x.mean()

    def where(self, condition: Tensor, x: Tensor | float, y: Tensor | float) -> Tensor:
        return torch.where(condition, x, y)

    def abs(self, x: Tensor) -> Tensor:
        return x.abs()

    def exp(self, x: Tensor) -> Tensor:
        return x.exp()

    def log_softmax(self, x: Tensor) -> Tensor:
        return x.log_softmax(-1)

    def log_likelihood(self, x: Tensor, classes: Tensor) -> Tensor:
        return self.pick(self.log_softmax(x), classes)

    def log_sigmoid(self, x: Tensor) -> Tensor:
        return F.logsigmoid(x)

    def unit(self, x: Tensor) -> Tensor:
        size = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        return x / size.masked_fill(size < torch.finfo(x.dtype).tiny, 1)
