"""Values as calls: their text, reading it back, and the words of every refusal."""

import copy
import pickle
import subprocess
import sys

import pytest

from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import conv, flatten, linear, mlp, relu, sequential
from learningdiagrams.losses import COMPARATORS, huber, kl, mse, top
from learningdiagrams.schedules import linear as ramp
from learningdiagrams.specs import SPECS, csv, ema, normal, npz, shuffle, sklearn, torch
from learningdiagrams.values import call, literal, read

TEXTS = [
    (mse(), "mse"),
    (kl(temperature=4.0), "kl(temperature=4)"),
    (kl(0.5), "kl(temperature=0.5)"),
    (kl(1.0), "kl"),
    (top(5), "top"),
    (ramp(0, 1, steps=1000), "linear(0, 1, steps=1000)"),
    (mlp(64, 32, 10), "mlp(64, 32, 10)"),
    (mlp(64, 10, activation="tanh", norm=None, dropout=0.0), 'mlp(64, 10, activation="tanh")'),
    (mlp(64, 10, activation=None), "mlp(64, 10, activation=None)"),
    (linear(3, 2, bias=False), "linear(3, 2, bias=False)"),
    (conv(1, 2, 3, stride=(2, 1)), "conv(1, 2, 3, stride=(2, 1))"),
    (sequential(flatten(), relu(), linear(3, 2)), "sequential(flatten, relu, linear(3, 2))"),
    (npz('a "b".npz', "ä\n"), 'npz("a \\"b\\".npz", "ä\\n")'),
    (csv("t.csv", "x", "y"), 'csv("t.csv", "x", "y")'),
    (normal(2, 3, std=0.1), "normal(2, 3, std=0.1)"),
    (normal(), "normal"),
    (shuffle("label"), "shuffle(label)"),
    (ema("größe", decay=0.9), "ema(größe, decay=0.9)"),
    (torch("my.models:Net", width=3, sizes=[1, 2], deep=(1,), name="x", none=None, yes=True),
     'torch("my.models:Net", width=3, sizes=(1, 2), deep=(1,), name="x", none=None, yes=True)'),
]  # fmt: skip
FAMILIES = {**SPECS, **COMPARATORS}


@pytest.mark.parametrize(("value", "text"), TEXTS, ids=[text for _, text in TEXTS])
def test_text_and_back(value, text):
    assert str(value) == repr(value) == text
    family = {"linear": ramp} if isinstance(value, ramp) else FAMILIES
    again = read(family, "value", text)
    assert again == value and hash(again) == hash(value) and type(again) is type(value)
    args, options = value.arguments()
    assert type(value)(*args, **options) == value
    assert copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value


def test_equality_is_of_class_and_arguments():
    assert kl(4) == kl(4.0) == kl(temperature=4)
    assert kl(1) != kl(2) and huber(1) != kl(1) and kl(1) != "kl"
    assert len({kl(1), kl(1.0), kl(), kl(2), mse(), mse()}) == 3


def test_values_do_not_change():
    for value, name in ((kl(4), "temperature"), (mlp(3, 2), "sizes"), (mse(), "anything")):
        with pytest.raises(AttributeError):
            setattr(value, name, 1)
        with pytest.raises(AttributeError):
            delattr(value, name)
    with pytest.raises(AttributeError, match=r"mlp\(3, 2\) is a value; make another one instead of changing `sizes`"):
        mlp(3, 2).sizes = (1, 2)
    with pytest.raises(AttributeError, match=r"is a value; `sizes` stays"):
        del mlp(3, 2).sizes


def test_numbers_are_written_shortest():
    import numpy as np

    assert [literal(x) for x in (4.0, -0.0, 1e300, 0.1, np.float64(2), np.int64(3), 10**20)] == (
        ["4", "0", "1e+300", "0.1", "2", "3", "100000000000000000000"]
    )


REFUSED = {
    "kll": "there is no value `kll`; did you mean `kl`?",
    "KL": "there is no value `KL`; did you mean `kl`?",
    "kl(temprature=4)": "`kl` has no option `temprature`; did you mean `temperature`?",
    "kl(zzz=4)": "`kl` has no option `zzz`; it has temperature",
    "mse(zzz=4)": "`mse` has no option `zzz`; it has none",
    "kl(1, 2)": "`kl` takes at most 1 argument, 2 given",
    "linear(1, 2, True, 3)": "`linear` takes at most 3 arguments, 4 given",
    "mse(1)": "`mse` takes no arguments, 1 given",
    "kl(1, temperature=1)": "`kl`: temperature is given twice",
    "linear(3)": "`linear` needs outputs: `linear(inputs, outputs, bias=True)`",
    "npz(path=\"x\")": "`npz` needs key: `npz(path, key)`",
    "csv": "`csv` needs path: `csv(path, *columns)`",
    "torch(width=3)": "`torch` needs target: `torch(target, **options)`",
    "kl(temperature=0)": "`kl`: temperature is to be a positive number, not 0",
    "kl(temperature=True)": "`kl`: temperature is to be a positive number, not True",
    "kl(temperature=1e999)": "`kl`: temperature is to be a positive number, not inf",
    "kl(temperature=\"hot\")": "`kl`: temperature is to be a positive number, not \"hot\"",
    "top(k=2.5)": "`top`: k is to be a whole number of at least 1, not 2.5",
    "linear(3, 2, bias=1)": "`linear`: bias is to be True or False, not 1",
    "npz(3, \"x\")": "`npz`: path is to be a text in quotes, not 3",
    "npz(digits, \"x\")": "`npz`: `digits` is no path; a text is written in quotes, \"digits\"",
    "linear(relu(), 3)": "`linear`: inputs is not to be a call such as `relu(…)`",
    "sequential(flaten)": "there is no value `flaten`; did you mean `flatten`?",
    "mlp(3, 2, activation=\"rel\")": (
        "`mlp`: activation is to be one of None, \"relu\", \"leaky_relu\", \"gelu\", \"silu\", \"elu\", "
        "\"tanh\", \"sigmoid\", \"softplus\", \"softmax\", not \"rel\"; did you mean `relu`?"
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused(text):
    with pytest.raises(DiagramError) as caught:
        read(FAMILIES, "value", text)
    assert str(caught.value) == REFUSED[text]


def test_a_small_family_is_listed():
    with pytest.raises(DiagramError, match=r"^there is no thing `zebra`; there are linear$"):
        call({"linear": ramp}, "thing", "zebra")
    with pytest.raises(DiagramError, match=r"^there is no thing `zebra`$"):
        call({}, "thing", "zebra")


def test_an_argument_may_be_positional_only():
    value = call(SPECS, "value", "torch", ("m:N",), {"target": 3})
    assert isinstance(value, torch) and value.options == {"target": 3}


def test_values_load_neither_torch_nor_jax_nor_sympy():
    code = (
        "import sys; from learningdiagrams import layers, losses, schedules, specs, values; "
        "print(sorted({'torch', 'jax', 'sympy', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sklearn_has_images_for_digits_only():
    assert sklearn("digits", "images").field == "images"
    with pytest.raises(DiagramError, match=r'`sklearn`: field is to be one of "data", "target", not "images"'):
        sklearn("wine", "images")
    with pytest.raises(DiagramError, match=r'not "digit"; did you mean `digits`\?'):
        sklearn("digit", "data")
