"""Realisations: which role takes which, and the sources of data and noise."""

import pytest

from learningdiagrams import specs
from learningdiagrams.calls import Name
from learningdiagrams.errors import DiagramError
from learningdiagrams.layers import LAYERS, Layer, mlp
from learningdiagrams.specs import AVERAGES, CODE, DATA, NOISE, ROLES, SPECS, realise, spec


def test_the_families_share_no_name():
    families = (LAYERS, DATA, NOISE, AVERAGES, CODE)
    assert len(SPECS) == sum(map(len, families))
    assert set(ROLES) == {"data", "noise", "model", "ema", "frozen", "fixed", "map"}
    assert all(cls.__name__ == name and cls.__doc__ for name, cls in SPECS.items())


def test_texts_and_values():
    assert spec("mlp(64, 32, 10)") == spec(mlp(64, 32, 10)) == realise("mlp", (64, 32, 10)) == mlp(64, 32, 10)
    assert spec('npz("d.npz", "x")', role="data") == specs.npz("d.npz", "x")
    assert spec("sequential(flatten, linear(64, 10))", role="model").shape((8, 8)) == (10,)  # pyright: ignore[reportAttributeAccessIssue]
    assert spec("normal", role="noise") == specs.normal()
    for role in ("model", "frozen", "fixed"):
        assert isinstance(spec("relu", role=role), Layer)
        assert spec('torch("m:N")', role=role) == specs.torch("m:N")


@pytest.mark.parametrize(
    ("text", "role", "message"),
    [
        ("mlp(3)", "data", "`mlp` realises no data; there are npz, npy, csv, sklearn"),
        ("mlp(3)", "noise", "`mlp` realises no noise; there are normal, uniform, shuffle"),
        ("normal(3)", "model", "`normal` realises noise, and this is a model, realised by a layer or named code"),
        ("ema(m)", "frozen", "`ema` realises a model, and this is a frozen map, realised by a layer or named code"),
        ("relu", "map", "`relu` realises nothing here: a map has no role; declare it as model, frozen or fixed"),
        ("npzz", "data", "there is no realisation `npzz`; did you mean `npz`?"),
        ("zzz", "noise", "there is no realisation `zzz`; there are normal, uniform, shuffle"),
        ("mpl(3, 2)", "model", "there is no realisation `mpl`; did you mean `mlp`?"),
        ("mlp(3)", "model", "`mlp`: sizes is to be two positive whole numbers or more, not (3,)"),
    ],
)
def test_roles(text, role, message):
    with pytest.raises(DiagramError) as caught:
        spec(text, role=role)
    assert str(caught.value) == message


def test_values_of_the_wrong_role():
    with pytest.raises(DiagramError, match=r"^`mlp` realises no data; there are npz, npy, csv, sklearn$"):
        spec(mlp(3, 2), role="data")
    with pytest.raises(DiagramError, match=r"^a realisation is a value such as mlp\(64, 32, 10\) or its text, not 3$"):
        spec(3)  # pyright: ignore[reportArgumentType]


def test_names_of_generators():
    assert isinstance(specs.shuffle("label").data, Name) and specs.ema("m").model == "m"
    assert str(spec('shuffle("label")')) == "shuffle(label)"
    for wrong in ("", "a b", 3):
        with pytest.raises(DiagramError, match="`shuffle`: data is to be the name of a generator, not "):
            specs.shuffle(wrong)  # pyright: ignore[reportArgumentType]


PLACE = 'target is to be a module and a name in it, "module:Name"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ema(m, decay=1)", "`ema`: decay is to be a number from 0 up to, but not including, 1, not 1"),
        ("ema(m, decay=-0.1)", "`ema`: decay is to be a number from 0 up to, but not including, 1, not -0.1"),
        ("normal(0)", "`normal`: axes is to be positive whole numbers, not (0,)"),
        ("normal(2, std=0)", "`normal`: std is to be a positive number, not 0"),
        ("uniform(2, low=1)", "`uniform`: high is to be larger than low, 1, not 1"),
        ("csv(\"a.csv\", 3)", "`csv`: columns is to be the columns' headings in quotes, not (3,)"),
        ("torch(\"models\")", f"`torch`: {PLACE}, not \"models\""),
        ("jax(\"a b:c\")", f"`jax`: {PLACE}, not \"a b:c\""),
        ("npy(\"\")", "`npy`: path is to be a text in quotes, not \"\""),
    ],
)  # fmt: skip
def test_wrong_arguments(text, message):
    with pytest.raises(DiagramError) as caught:
        spec(text)
    assert str(caught.value) == message


def test_code_is_named_and_never_run():
    code = specs.torch("surely.no:Module", width=[1, 2])
    assert code.target == "surely.no:Module" and code.options == {"width": (1, 2)}
    code.options["width"] = 3
    assert code.options == {"width": (1, 2)}
    assert hash(code) == hash(specs.torch("surely.no:Module", width=(1, 2)))
