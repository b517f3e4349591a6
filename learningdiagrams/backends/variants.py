"""Which applications of a plan are variants of one value.

A plan computes a value once for each set of models that it carries gradients to. Such variants differ in what
they pass back, never in what they are: one morphism, one value. So in training, where a map may draw random
numbers and learn statistics, its variants draw the same numbers, and the map learns of the batch once.

>>> from learningdiagrams.diagram import Diagram
>>> from learningdiagrams.plan import make_plan
>>> d = Diagram("Game")
>>> S, Z, X = d.objects("S", "Z", "X")
>>> z, fake, real = d.noise("z", S, Z, "normal(2)"), d.model("fake", Z, X), d.data("real", S, X)
>>> judge = d.model("judge", X, X)
>>> _ = d.goal("tell", z >> fake >> judge, real, train=["judge"])
>>> _ = d.goal("fool", z >> fake >> judge, real, train=["fake"])
>>> plan = make_plan(d, d.goals.values())
>>> print(plan)
v0 = z                          noise   : S -> Z
v1 = fake(v0)                   model   : Z -> X   moves fake
v2 = stop(v1)
v3 = judge(v2)                  model   : X -> X   moves judge
v4 = real                       data    : S -> X
v5 = judge(v1)                  model   : X -> X
tell = mse(v3, v4)
fool = mse(v5, v4)
>>> variants(plan)
{1: 0, 3: 1, 5: 1}
"""

from __future__ import annotations

from typing import Any

from learningdiagrams.plan import Apply, Input, Plan

__all__ = ["variants"]


def variants(plan: Plan) -> dict[int, int]:
    """For each application, by its first value, a number that it has in common with its variants alone."""
    same: dict[int, Any] = {}
    numbers: dict[Any, int] = {}
    found: dict[int, int] = {}
    for step in plan.steps:
        if isinstance(step, Apply):
            key = (step.generator, *(same[value] for value in step.arguments))
            found[step.outs[0]] = numbers.setdefault(key, len(numbers))
            same.update((out, (found[step.outs[0]], i)) for i, out in enumerate(step.outs))
        elif isinstance(step, Input):
            same.update((out, (step.generator, i)) for i, out in enumerate(step.outs))
        else:
            same[step.outs[0]] = same[step.value]
    return found
