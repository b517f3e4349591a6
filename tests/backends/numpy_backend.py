"""A third backend, in NumPy: forward values only, written from what `backends/base.py` says and from nothing
else.

It walks the plan step by step, so that it shares with the real backends neither how a plan is run nor how a
map is applied, and serves as their oracle. Maps are functions of NumPy arrays, or built-in perceptrons and
constants.
"""

import numpy as np

from learningdiagrams import layers
from learningdiagrams.backends.base import Abstract, Backend, Evaluated, Maps, Program
from learningdiagrams.backends.checks import check_numbers
from learningdiagrams.backends.comparators import compare
from learningdiagrams.backends.layers import initial
from learningdiagrams.errors import DiagramError
from learningdiagrams.plan import Apply, Expand, Input, Stop
from tests.backends.numpy_ops import NumpyOps

ACTIVATIONS = {
    layers.relu: lambda x: np.maximum(x, 0),
    layers.tanh: np.tanh,
    layers.sigmoid: lambda x: 1 / (1 + np.exp(-x)),
    layers.silu: lambda x: x / (1 + np.exp(-x)),
}


class NumpyBackend(Backend):
    name = "numpy"

    def maps(self, diagram, realisations, *, seed, dtype, device):
        if device is not None:
            raise DiagramError(f"there is no device {device!r} on numpy")
        return NumpyMaps(self, diagram, realisations, seed, dtype)


class NumpyMaps(Maps):
    def __init__(self, backend, diagram, realisations, seed, dtype):
        self.backend, self.diagram, self.dtype = backend, diagram, dtype
        self._functions, self._parameters, self._buffers = {}, {}, {}
        for name, given in realisations.items():
            if isinstance(given, layers.Layer):
                self._functions[name] = layer(given)
                made = initial(given, seed=seed, name=name, dtype=dtype)
                self._parameters[name], self._buffers[name] = made
            elif callable(given):
                self._functions[name] = lambda numbers, *arguments, given=given: given(*arguments)
                self._parameters[name] = {}
            else:
                raise DiagramError(f"`{name}`: a map is a function of NumPy arrays or a perceptron", name)
        for name, follows in diagram.averages.items():
            self._functions[name] = self._functions[follows.model]
            self._parameters[name] = dict(self._parameters[follows.model])

    def has(self, generator):
        return generator in self._functions

    def call(self, generator, *arguments):
        numbers = {**self._parameters[generator], **self._buffers.get(generator, {})}
        return self._functions[generator](numbers, *arguments)

    def array(self, value):
        if isinstance(value, tuple):
            return tuple(map(self.array, value))
        array = np.asarray(value)
        return array.astype(self.dtype) if array.dtype.kind == "f" else array

    def numpy(self, value):
        return value

    def abstract(self, generator, arguments):
        """What comes out of zeros: NumPy has nothing more abstract."""
        kinds = {"float": self.dtype, "int": "int64", "bool": "bool"}
        try:
            value = self.call(generator, *(np.zeros((3, *a.shape), kinds[a.dtype]) for a in arguments))
        except Exception as error:
            raise DiagramError(f"it refuses {' and '.join(map(str, arguments))}: {error}") from error
        values = value if isinstance(value, tuple) else (value,)
        kind = {"f": "float", "i": "int", "u": "int", "b": "bool"}
        return tuple(Abstract(v.shape[bool(arguments) :], kind[v.dtype.kind]) for v in values)

    def parameters(self, of=None):
        return copied({name: table for name, table in self._parameters.items() if of is None or name in of})

    def load_parameters(self, parameters):
        self._load("parameter", parameters, self._parameters)

    def _load(self, kind, given, tables):
        check_numbers(kind, given, {name: {k: v.shape for k, v in of.items()} for name, of in tables.items()})
        for name, of in given.items():
            tables[name].update({k: self.array(np.array(v)) for k, v in of.items()})

    def buffers(self, of=None):
        named = {name: table for name, table in self._buffers.items() if of is None or name in of}
        return copied({name: table for name, table in named.items() if table})

    def load_buffers(self, buffers):
        self._load("buffer", buffers, self._buffers)

    def program(self, plan):
        return NumpyProgram(self, plan)


class NumpyProgram(Program):
    def __init__(self, maps, plan):
        self.maps, self.plan = maps, plan

    def __call__(self, batch, weights, step=0, training=False):
        values, terms = self._values(batch), {}
        for each in self.plan.compares:
            found = [
                compare(NumpyOps(), each.by, values[left], values[right], where=each.name)
                for pair in each.pairs
                for left, right in zip(*pair, strict=True)
            ]
            terms[each.name] = np.mean(found)
        return Evaluated(np.asarray(sum(w * terms[n] for n, w in weights.items() if n in terms)), terms)

    def outputs(self, batch):
        values = self._values(batch)
        return tuple(values[out] for out in self.plan.outputs)

    def _values(self, batch):
        values = {}
        for step in self.plan.steps:
            if isinstance(step, Input):
                found = self.maps.array(batch[step.generator])
            elif isinstance(step, Apply):
                found = self.maps.call(step.generator, *(values[value] for value in step.arguments))
                if not step.arguments:
                    found = tuple(v[None] for v in found) if isinstance(found, tuple) else found[None]
            elif isinstance(step, Expand):
                found = np.repeat(values[step.value], len(values[step.like]), axis=0)
            elif isinstance(step, Stop):
                found = values[step.value]
            values.update(zip(step.outs, found if isinstance(found, tuple) else (found,), strict=True))
        return values


def copied(tables):
    return {name: {k: v.copy() for k, v in of.items()} for name, of in tables.items()}


def layer(spec):
    """A built-in layer as a function (its numbers by name, *arguments) -> value."""
    if isinstance(spec, layers.constant):
        return lambda numbers, *arguments: numbers["value"]
    if type(spec) in ACTIVATIONS:
        return lambda numbers, x: ACTIVATIONS[type(spec)](x)
    if isinstance(spec, layers.linear):
        return lambda n, *xs: np.concatenate(xs, -1) @ n["weight"].T + n["bias"]
    if isinstance(spec, layers.mlp) and not spec.dropout and not spec.norm:
        parts = [layer(part) for part in spec.parts]

        def run(numbers, *values):
            for i, part in enumerate(parts):
                own = {name.partition(".")[2]: v for name, v in numbers.items() if name.startswith(f"{i}.")}
                values = (part(own, *values),)
            return values[0]

        return run
    raise DiagramError(f"numpy has no layer `{spec}`")
