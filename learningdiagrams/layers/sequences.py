"""Layers over sequences: (length, features), or (length,) whole numbers for tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from learningdiagrams.layers.base import ONES, ZEROS, Init, Layer, Parameter, Shape, fan_in
from learningdiagrams.layers.dense import want_probability
from learningdiagrams.values import refuse, want_flag, want_one_of, want_whole

__all__ = ["gru", "lstm", "recurrent", "transformer_decoder"]


@dataclass(frozen=True, eq=False, repr=False)
class recurrent(Layer):
    """What `gru` and `lstm` share.

    The inputs are a sequence (length, inputs), and where given a first state (hidden,) for all layers.

    `output` is "sequence", the top layer's state at every step, (length, d · hidden) with d = 2 where
    bidirectional and 1 else; "last", its state at the end of each direction, (d · hidden,); or "max" or
    "mean" of the sequence over time, (d · hidden,). With `feed=True` the first state is also joined to every
    step's input, and `inputs` counts both. Parameters are named as in `torch.nn.GRU` and `torch.nn.LSTM`.
    """

    gates: ClassVar[int] = 0

    inputs: int
    hidden: int
    layers: int = 1
    bidirectional: bool = False
    output: str = "sequence"
    feed: bool = False

    def __post_init__(self) -> None:
        want_whole(self, "inputs", "hidden", "layers")
        want_flag(self, "bidirectional", "feed")
        want_one_of(self, "output", ("sequence", "last", "max", "mean"))

    @property
    def directions(self) -> tuple[str, ...]:
        """The endings of the parameters' names: one for each direction."""
        return ("", "_reverse") if self.bidirectional else ("",)

    def parameters(self) -> dict[str, Parameter]:
        start, rows = fan_in(self.hidden), self.gates * self.hidden
        found: dict[str, Parameter] = {}
        for layer in range(self.layers):
            width = self.hidden * len(self.directions) if layer else self.inputs
            for end in self.directions:
                found[f"weight_ih_l{layer}{end}"] = Parameter((rows, width), start)
                found[f"weight_hh_l{layer}{end}"] = Parameter((rows, self.hidden), start)
                found[f"bias_ih_l{layer}{end}"] = Parameter((rows,), start)
                found[f"bias_hh_l{layer}{end}"] = Parameter((rows,), start)
        return found

    def shape(self, *inputs: Shape) -> Shape:
        width = self.inputs - self.hidden * self.feed
        state = f"a first state ({self.hidden},)"
        wanted = f"a sequence (length, {width}){' and ' if self.feed else ', and perhaps '}{state}"
        sequence, states = inputs[:1], inputs[1:]
        if len(sequence) != 1 or len(sequence[0]) != 2 or sequence[0][1] != width or sequence[0][0] < 1:
            self.mismatch(wanted, inputs)
        if states != ((self.hidden,),) and (states or self.feed):
            self.mismatch(wanted, inputs)
        result = self.hidden * len(self.directions)
        return (sequence[0][0], result) if self.output == "sequence" else (result,)


class gru(recurrent):
    """A gated recurrent unit, with the equations of `torch.nn.GRU`.

    Inputs, outputs and options are those of `recurrent`.

    >>> gru(64, 128).shape((20, 64)), gru(64, 32, bidirectional=True, output="max").shape((20, 64))
    ((20, 128), (64,))
    >>> gru(192, 128, feed=True).shape((20, 64), (128,))
    (20, 128)

    Source: Cho et al. 2014, Learning Phrase Representations using RNN Encoder-Decoder.
    """

    gates = 3


class lstm(recurrent):
    """A long short-term memory, with the equations of `torch.nn.LSTM`; a first state is h₀, and c₀ is 0 then.

    >>> lstm(64, 128, output="last").shape((20, 64), (128,))
    (128,)

    Source: Hochreiter and Schmidhuber 1997, Long Short-Term Memory.
    """

    gates = 4


@dataclass(frozen=True, eq=False, repr=False)
class transformer_decoder(Layer):
    """Logits of the next token from a context and the tokens so far: the decoder of a transformer, causal.

    Inputs: the context (width,) or (places, width), then tokens (length,), whole numbers below `vocabulary`,
    at most `longest` of them. Output: (length, vocabulary); the logits at a place depend on the context and
    on the tokens up to and including that place. `layers` blocks of causal self-attention, attention to the
    context and a feed-forward part four times as wide, each after a layer norm (pre-norm), with trained
    embeddings of tokens and places.

    >>> transformer_decoder(30, 64).shape((64,), (12,))
    (12, 30)

    Source: Vaswani et al. 2017, Attention Is All You Need; pre-norm as in Xiong et al. 2020.
    """

    vocabulary: int
    width: int
    heads: int = 4
    layers: int = 2
    longest: int = 256
    dropout: float = 0

    def __post_init__(self) -> None:
        want_whole(self, "vocabulary", "width", "heads", "layers", "longest")
        if self.width % self.heads:
            refuse(self, "heads", f"a divisor of the width {self.width}")
        want_probability(self, "dropout")

    def parameters(self) -> dict[str, Parameter]:
        d = self.width
        found = {
            "embedding.weight": Parameter((self.vocabulary, d), Init("normal", 1.0)),
            "places.weight": Parameter((self.longest, d), Init("normal", 1.0)),
        }
        for layer in range(self.layers):
            at = f"blocks.{layer}."
            for attention in ("self_attn", "multihead_attn"):
                # Xavier's uniform bound for the stacked 3d × d matrix, as torch.nn.MultiheadAttention has it.
                xavier = Init("uniform", math.sqrt(6 / (4 * d)))
                found[f"{at}{attention}.in_proj_weight"] = Parameter((3 * d, d), xavier)
                found[f"{at}{attention}.in_proj_bias"] = Parameter((3 * d,), ZEROS)
                found[f"{at}{attention}.out_proj.weight"] = Parameter((d, d), fan_in(d))
                found[f"{at}{attention}.out_proj.bias"] = Parameter((d,), ZEROS)
            found[f"{at}linear1.weight"] = Parameter((4 * d, d), fan_in(d))
            found[f"{at}linear1.bias"] = Parameter((4 * d,), fan_in(d))
            found[f"{at}linear2.weight"] = Parameter((d, 4 * d), fan_in(4 * d))
            found[f"{at}linear2.bias"] = Parameter((d,), fan_in(4 * d))
            for norm in ("norm1", "norm2", "norm3"):
                found[f"{at}{norm}.weight"] = Parameter((d,), ONES)
                found[f"{at}{norm}.bias"] = Parameter((d,), ZEROS)
        found["norm.weight"], found["norm.bias"] = Parameter((d,), ONES), Parameter((d,), ZEROS)
        found["head.weight"] = Parameter((self.vocabulary, d), fan_in(d))
        found["head.bias"] = Parameter((self.vocabulary,), fan_in(d))
        return found

    def shape(self, *inputs: Shape) -> Shape:
        context = f"a context ({self.width},) or (places, {self.width})"
        wanted = f"{context}, then tokens (length,), at most {self.longest}"
        if len(inputs) != 2 or len(inputs[1]) != 1 or not 1 <= inputs[1][0] <= self.longest:
            self.mismatch(wanted, inputs)
        if len(inputs[0]) not in (1, 2) or inputs[0][-1] != self.width:
            self.mismatch(wanted, inputs)
        return (inputs[1][0], self.vocabulary)
