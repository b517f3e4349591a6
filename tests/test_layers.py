"""Layers as values: shapes, names of parameters, refusals; what they compute is tested in tests/backends."""

import pytest

from learningdiagrams import layers as L
from learningdiagrams.errors import DiagramError

SHAPES = [
    (L.linear(64, 10), [(64,)], (10,)),
    (L.linear(64, 10), [(5, 60), (5, 4)], (5, 10)),
    (L.mlp(64, 32, 10), [(64,)], (10,)),
    (L.conv2d(1, 4, kernel=4, stride=2, padding=1), [(1, 28, 28)], (4, 14, 14)),
    (L.conv2d(1, 4, kernel=4, padding=0), [(1, 4, 5)], (4, 1, 2)),
    (L.conv(1, 16, 32, 32, stride=(2, 1, 1), pool=(1, 2, 2), norm="batch"), [(1, 28, 28)], (32, 3, 3)),
    (L.pool(2), [(3, 5, 7)], (3, 2, 3)),
    (L.upsample(3), [(3, 5, 7)], (3, 15, 21)),
    (L.embedding(30, 16), [(12,)], (12, 16)),
    (L.embedding(30, 16), [()], (16,)),
    (L.gru(8, 16, bidirectional=True), [(12, 8)], (12, 32)),
    (L.lstm(8, 16, output="last"), [(12, 8), (16,)], (16,)),
    (L.transformer_decoder(30, 64), [(9, 64), (12,)], (12, 30)),
    (L.constant(1.0), [], ()),
    (L.constant(0, shape=3), [(5,), (6,)], (3,)),
    (L.polynomial(2, inputs=2, outputs=3), [(2,)], (3,)),
    (L.flatten(), [(3, 4)], (12,)),
    (L.reshape(-1, 2), [(3, 4)], (6, 2)),
    (L.reshape(), [(1,)], ()),
    (L.rot90(), [(1, 3, 4)], (1, 4, 3)),
    (L.translate(2), [(1, 3, 4), (2,)], (1, 3, 4)),
    (L.one_hot(10), [(3,)], (3, 10)),
    (L.concat(), [(3, 2), (3, 5)], (3, 7)),
    (L.add(), [(3,), (3,)], (3,)),
    (L.residual(L.relu()), [(3, 2)], (3, 2)),
]


@pytest.mark.parametrize(("layer", "inputs", "output"), SHAPES, ids=[str(case[0]) for case in SHAPES])
def test_shapes(layer, inputs, output):
    assert layer.shape(*inputs) == output


MISMATCHES = [
    (L.linear(64, 10), [(32,)], "`linear(64, 10)` takes values whose last axis is 64, given (32,)"),
    (
        L.linear(64, 10),
        [(32,), (30,)],
        "`linear(64, 10)` takes values whose last axis is 64, given (32,) and (30,)",
    ),
    (
        L.linear(64, 10),
        [(2, 32), (3, 32)],
        "`linear(64, 10)` takes values whose last axis is 64, given (2, 32) and (3, 32)",
    ),
    (L.linear(64, 10), [], "`linear(64, 10)` takes values whose last axis is 64, given nothing"),
    (L.linear(64, 10), [()], "`linear(64, 10)` takes values whose last axis is 64, given ()"),
    (
        L.sequential(L.flatten(), L.linear(64, 10)),
        [(8, 4)],
        "`sequential(flatten, linear(64, 10))`, its layer 1: "
        "`linear(64, 10)` takes values whose last axis is 64, given (32,)",
    ),
    (
        L.conv2d(1, 4),
        [(28, 28)],
        "`conv2d(1, 4)` takes one value of shape (1, height, width), given (28, 28)",
    ),
    (
        L.conv2d(1, 4, kernel=5, padding=1),
        [(1, 2, 9)],
        "`conv2d(1, 4, kernel=5, padding=1)` takes images of at least 3 by 3, given (1, 2, 9)",
    ),
    (
        L.pool(4),
        [(1, 3, 9)],
        "`pool(4)` takes one value of shape (channels, height, width), 4 by 4 at least, given (1, 3, 9)",
    ),
    (L.upsample(), [(3, 9)], "`upsample` takes one value of shape (channels, height, width), given (3, 9)"),
    (L.batch_norm(4), [(4, 2)], "`batch_norm(4)` takes one value of shape (4,), given (4, 2)"),
    (
        L.batch_norm(4, images=True),
        [(4,)],
        "`batch_norm(4, images=True)` takes one value of shape (4, height, width), given (4,)",
    ),
    (
        L.instance_norm(4),
        [(3, 2, 2)],
        "`instance_norm(4)` takes one value of shape (4, height, width), given (3, 2, 2)",
    ),
    (L.layer_norm(4), [(4, 3)], "`layer_norm(4)` takes one value whose last axis is 4, given (4, 3)"),
    (L.dropout(0.5), [(1,), (1,)], "`dropout(0.5)` takes one input, given (1,) and (1,)"),
    (L.embedding(3, 2), [], "`embedding(3, 2)` takes one value of whole numbers, given nothing"),
    (
        L.gru(8, 16),
        [(8,)],
        "`gru(8, 16)` takes a sequence (length, 8), and perhaps a first state (16,), given (8,)",
    ),
    (
        L.gru(8, 16),
        [(3, 8), (8,)],
        "`gru(8, 16)` takes a sequence (length, 8), and perhaps a first state (16,), given (3, 8) and (8,)",
    ),
    (
        L.gru(24, 16, feed=True),
        [(3, 8)],
        "`gru(24, 16, feed=True)` takes a sequence (length, 8) and a first state (16,), given (3, 8)",
    ),
    (
        L.transformer_decoder(30, 64, longest=9),
        [(64,), (10,)],
        "`transformer_decoder(30, 64, longest=9)` takes a context (64,) or (places, 64), "
        "then tokens (length,), at most 9, "
        "given (64,) and (10,)",
    ),
    (L.transformer_decoder(30, 64, longest=9), [(32,), (9,)], "given (32,) and (9,)"),
    (L.polynomial(2), [(2,)], "`polynomial(2)` takes one value whose last axis is 1, given (2,)"),
    (L.relu(), [(2,), (2,)], "`relu` takes one input, given (2,) and (2,)"),
    (L.softmax(), [()], "`softmax` takes one value with an axis, given ()"),
    (L.roll(1, axis=2), [(2, 2)], "`roll(1, axis=2)` takes one value that has axis 2, given (2, 2)"),
    (L.rot90(), [(2,)], "`rot90` takes one value with height and width, given (2,)"),
    (
        L.translate(2),
        [(1, 3, 4)],
        "`translate(2)` takes one value with height and width, then one of shape (2,), given (1, 3, 4)",
    ),
    (L.flatten(), [], "`flatten` takes one input, given nothing"),
    (L.reshape(2, 3), [(7,)], "`reshape(2, 3)` takes one value of 6 numbers, given (7,)"),
    (L.reshape(-1, 3), [(7,)], "`reshape(-1, 3)` takes one value of a multiple of 3 numbers, given (7,)"),
    (L.one_hot(3), [], "`one_hot(3)` takes one value of class numbers, given nothing"),
    (
        L.concat(),
        [(2, 3), (3, 3)],
        "`concat` takes values whose axes before the last agree, given (2, 3) and (3, 3)",
    ),
    (L.add(), [(2,), (3,)], "`add` takes values of one shape, given (2,) and (3,)"),
    (L.multiply(), [], "`multiply` takes values of one shape, given nothing"),
    (L.residual(L.relu()), [(2,), (2,)], "`residual(relu)` takes one input, given (2,) and (2,)"),
    (
        L.residual(L.linear(3, 2)),
        [(3,)],
        "`residual(linear(3, 2))` adds its input, so the shapes are to be equal: (3,) becomes (2,)",
    ),
]


@pytest.mark.parametrize(
    ("layer", "inputs", "message"), MISMATCHES, ids=[f"{i}-{case[0]}" for i, case in enumerate(MISMATCHES)]
)
def test_mismatches(layer, inputs, message):
    with pytest.raises(DiagramError) as caught:
        layer.shape(*inputs)
    assert str(caught.value).endswith(message)


REFUSED = [
    (lambda: L.linear(0, 3), "`linear`: inputs is to be a whole number of at least 1, not 0"),
    (lambda: L.affine(2, 1.5), "`affine`: outputs is to be a whole number of at least 1, not 1.5"),  # pyright: ignore[reportArgumentType]
    (lambda: L.mlp(3), "`mlp`: sizes is to be two positive whole numbers or more, not (3,)"),
    (lambda: L.mlp(3, 2, norm="group"), '`mlp`: norm is to be one of None, "batch", "layer", not "group"'),
    (
        lambda: L.mlp(3, 2, dropout=1),
        "`mlp`: dropout is to be a number from 0 up to, but not including, 1, not 1",
    ),
    (lambda: L.conv(1), "`conv`: channels is to be two positive whole numbers or more, not (1,)"),
    (
        lambda: L.conv(1, 2, 3, stride=(2, 2, 2)),
        "`conv`: stride is to be a positive whole number, or 2 of them, one for each convolution, not (2, 2, 2)",
    ),
    (lambda: L.conv2d(1, 2, padding=-1), "`conv2d`: padding is to be a whole number of at least 0, not -1"),
    (
        lambda: L.pool(2, kind="median"),
        '`pool`: kind is to be one of "max", "mean", not "median"; did you mean `mean`?',
    ),
    (
        lambda: L.gru(3, 2, output="first"),
        '`gru`: output is to be one of "sequence", "last", "max", "mean", not "first"',
    ),
    (
        lambda: L.transformer_decoder(9, 6, heads=4),
        "`transformer_decoder`: heads is to be a divisor of the width 6, not 4",
    ),
    (
        lambda: L.constant("x"),  # pyright: ignore[reportArgumentType]
        '`constant`: value is to be a finite number or nested tuples of them, all of one length, not "x"',
    ),
    (
        lambda: L.constant(((1, 2), (3,))),
        "`constant`: value is to be a finite number or nested tuples of them, all of one length, not ((1, 2), (3,))",
    ),
    (
        lambda: L.constant((1, 2), shape=(2,)),
        "`constant`: shape is to be positive whole numbers, beside a value that is a single number, not (2,)",
    ),
    (
        lambda: L.reshape(-1, -1),
        "`reshape`: axes is to be positive whole numbers, one of which may be -1, not (-1, -1)",
    ),
    (lambda: L.roll(0.5), "`roll`: by is to be a whole number, not 0.5"),  # pyright: ignore[reportArgumentType]
    (lambda: L.sequential(), "`sequential`: layers is to be one layer or more, not ()"),
    (lambda: L.sequential("relu"), '`sequential`: layers is to be one layer or more, not ("relu",)'),  # pyright: ignore[reportArgumentType]
    (lambda: L.scale(float("nan")), "`scale`: factor is to be a finite number, not nan"),
    (
        lambda: L.dropout(-0.1),
        "`dropout`: probability is to be a number from 0 up to, but not including, 1, not -0.1",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_refused(make, message):
    with pytest.raises(DiagramError) as caught:
        make()
    assert str(caught.value) == message


def test_a_stack_numbers_its_layers():
    enc = L.conv(1, 2, 3, norm="batch", pool=(1, 2))
    first = ["conv2d(1, 2)", "batch_norm(2, images=True)", "relu"]
    second = ["conv2d(2, 3)", "batch_norm(3, images=True)", "relu", "pool(2)"]
    assert [str(part) for part in enc.parts] == first + second
    assert list(enc.parameters()) == [f"{i}.{name}" for i in (0, 1, 3, 4) for name in ("weight", "bias")]
    assert list(L.sequential(enc).buffers()) == [
        f"0.{i}.{name}" for i in (1, 4) for name in ("running_mean", "running_var", "num_batches_tracked")
    ]


def test_monomials():
    assert L.polynomial(3).exponents == ((0,), (1,), (2,), (3,))
    assert len(L.polynomial(4, inputs=3).exponents) == 35  # (4 + 3 choose 3)
