"""Torch's recurrent layers as single operators while a module is exported.

`torch.export` runs a layer step by step on tensors without numbers, even where the operator is to stay whole,
which takes seconds for some hundred steps. Inside `whole_recurrence()` each layer calls an operator of ours
instead, of which torch is told nothing but the shapes. Only tracing ever calls it; what it computes is said
in `aten_layers.py`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

LAYERS = ("lstm", "gru", "rnn_tanh", "rnn_relu")
"""The layers, as torch calls them; the operator for each is `learningdiagrams.NAME.default`."""

_FLAGS = "bool biases, int layers, float dropout, bool train, bool bidirectional, bool batch_first"
_LIBRARY = torch.library.Library("learningdiagrams", "FRAGMENT")


def _shapes(x: torch.Tensor, states: Any, *options: Any) -> tuple[torch.Tensor, ...]:
    each = states if isinstance(states, list | tuple) else [states]
    width = each[0].shape[-1] * (2 if options[-2] else 1)
    return x.new_empty((*x.shape[:2], width)), *(torch.empty_like(state) for state in each)


def _backward(context: Any, *gradients: torch.Tensor) -> Any:
    raise RuntimeError("an exported recurrent layer is differentiated by jax, never by torch")


for _name in LAYERS:
    _states, _results = ("Tensor[]", ", Tensor") if _name == "lstm" else ("Tensor", "")
    _LIBRARY.define(f"{_name}(Tensor x, {_states} states, Tensor[] weights, {_FLAGS}) -> (Tensor, Tensor{_results})")
    torch.library.register_fake(f"learningdiagrams::{_name}", _shapes, lib=_LIBRARY)
    # Never run: it only ties the results to what they are made from, in the graph of gradients.
    torch.library.register_autograd(f"learningdiagrams::{_name}", _backward, lib=_LIBRARY)


class whole_recurrence(TorchFunctionMode):
    """A context in which recurrent layers on tensors, not on packed sequences, call our operators."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(function, "__name__", "")
        # A packed sequence has its batch sizes where a tensor's layer has its initial state.
        if name in LAYERS and isinstance(args[2], list | tuple):
            return getattr(torch.ops.learningdiagrams, name)(*args)
        return function(*args, **(kwargs or {}))
