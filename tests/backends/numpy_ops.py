"""The operations of comparators on NumPy arrays: the oracle that the backends are tested against."""

from types import MappingProxyType

import numpy as np


class NumpyOps:
    """What `comparators.Ops` asks for, written without a thought for speed."""

    fused = MappingProxyType({})

    def kind(self, x):
        return {"f": "float", "i": "int", "u": "int", "b": "bool"}.get(x.dtype.kind, "complex")

    def alike(self, x, y):
        real = [a.dtype for a in (x, y) if a.dtype.kind == "f"] or [np.dtype(float)]
        dtype = np.promote_types(real[0], real[-1])
        return x.astype(dtype), y.astype(dtype)

    def number(self, truth, like):
        return truth.astype(like.dtype)

    def index(self, classes):
        return classes.astype(np.int64)

    def eager(self, x):
        return True

    def pick(self, rows, classes):
        return np.take_along_axis(rows, classes[..., None], axis=-1)[..., 0]

    def arange(self, n, like):
        return np.arange(n)

    def argmax(self, x):
        return np.argmax(x, axis=-1)

    def sum(self, x, axis):
        return np.sum(x, axis=axis)

    def mean(self, x):
        return np.mean(x)

    def where(self, condition, x, y):
        return np.where(condition, x, y)

    def abs(self, x):
        return np.abs(x)

    def exp(self, x):
        return np.exp(x)

    def log_softmax(self, x):
        shifted = x - x.max(-1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))

    def log_likelihood(self, x, classes):
        return self.pick(self.log_softmax(x), classes)

    def log_sigmoid(self, x):
        return -np.logaddexp(0, -x)

    def unit(self, x):
        size = np.sqrt((x * x).sum(-1, keepdims=True))
        return x / np.where(size == 0, 1, size)
