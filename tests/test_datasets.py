"""Data that a diagram names: files relative to it, and scikit-learn's own data sets."""

import sys
from pathlib import Path

import numpy as np
import pytest

from learningdiagrams.datasets import load_sources
from learningdiagrams.diagram import Diagram
from learningdiagrams.errors import DiagramError


def load(tmp_path: Path, source: str, shape=None, dtype="float") -> np.ndarray:
    d = Diagram()
    d.data("x", d.object("S"), d.object("X", shape=shape, dtype=dtype), source)
    d.directory = tmp_path
    return load_sources(d)["x"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.savez(tmp_path / "d.npz", images=np.zeros((3, 2)), labels=np.arange(3))
    np.save(tmp_path / "d.npy", np.ones((4, 2)))
    np.save(tmp_path / "one.npy", np.float64(3))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 no archive")
    (tmp_path / "t.csv").write_text("﻿height, label ,flag\n1.5,2,1\n\n2.5,7,0\n", encoding="utf-8")
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n3,four\n")
    (tmp_path / "short.csv").write_text("a,b\n1\n")
    (tmp_path / "empty.csv").write_text("a,b\n")
    return tmp_path


def test_numpy_files(folder):
    assert load(folder, 'npz("d.npz", "images")').shape == (3, 2)
    assert load(folder, 'npz("d.npz", "labels")').tolist() == [0, 1, 2]
    assert load(folder, 'npy("d.npy")').shape == (4, 2)


def test_one_column_is_a_number_for_each_row_and_several_are_an_axis(folder):
    assert load(folder, 'csv("t.csv", "height")').tolist() == [1.5, 2.5]
    assert load(folder, 'csv("t.csv", "label", "height")').tolist() == [[2, 1.5], [7, 2.5]]
    assert load(folder, 'csv("t.csv")').tolist() == [[1.5, 2, 1], [2.5, 7, 0]]


def test_whole_numbers_in_one_column_are_class_numbers_unless_a_number_is_declared(folder):
    assert load(folder, 'csv("t.csv", "label")', shape=(10,)).dtype == np.int64
    assert load(folder, 'csv("t.csv", "label")').dtype == np.int64
    assert load(folder, 'csv("t.csv", "label")', shape=()).dtype == np.float64
    assert load(folder, 'csv("t.csv", "label", "flag")').dtype == np.float64
    assert load(folder, 'csv("t.csv", "label", "flag")', shape=(2,), dtype="int").dtype == np.int64
    assert load(folder, 'csv("t.csv", "flag")', shape=(), dtype="bool").tolist() == [True, False]


def test_scikit_learn():
    pytest.importorskip("sklearn")
    assert load(Path(), 'sklearn("digits", "data")').shape == (1797, 64)
    assert load(Path(), 'sklearn("digits", "images")').shape == (1797, 8, 8)
    assert load(Path(), 'sklearn("iris", "target")').dtype.kind == "i"


def test_only_data_that_say_where_they_come_from_are_loaded(folder):
    d = Diagram()
    S, X = d.objects("S", "X")
    d.data("x", S, X)
    d.data("y", S, X, 'npy("d.npy")')
    d.model("f", X, X, "linear(2, 2)")
    d.directory = folder
    assert list(load_sources(d)) == ["y"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('npy("ones.npy")', "`x`: there is no file {folder}/ones.npy; did you mean `one.npy`?"),
        ('npz("d.npz", "image")', '`x`: there is no array "image" in d.npz; did you mean `images`?'),
        ('npz("d.npz", "q")', '`x`: there is no array "q" in d.npz; there are images, labels'),
        ('npz("d.npy", "q")', '`x`: d.npy holds one array and no keys; write npy("d.npy")'),
        (
            'npy("one.npy")',
            "`x`: {folder}/one.npy holds a single number; its first axis is to count the rows",
        ),
        ('npy("objects.npy")', "`x`: {folder}/objects.npy cannot be read: it holds Python objects"),
        ('npz("broken.npz", "a")', "`x`: {folder}/broken.npz cannot be read: it is no file that NumPy saved"),
        ('npy("d.npz")', '`x`: d.npz holds several arrays, images, labels; write npz("d.npz", "images")'),
        ('csv("t.csv", "hight")', '`x`: there is no column "hight" in t.csv; did you mean `height`?'),
        ('csv("bad.csv")', '`x`: {folder}/bad.csv:3: "four" in column "b" is no number'),
        ('csv("short.csv")', "`x`: {folder}/short.csv:2: the row has 1 cells, the heading 2"),
        ('csv("empty.csv")', "`x`: {folder}/empty.csv is to hold a heading and a row at least"),
    ],
)
def test_errors_name_the_generator(folder, source, text):
    with pytest.raises(DiagramError) as error:
        load(folder, source)
    assert str(error.value) == text.format(folder=folder)
    assert error.value.problems[0].name == "x"


def test_a_product_is_not_one_array(folder):
    d = Diagram()
    A = d.object("A")
    d.data("x", d.object("S"), A * A, 'npy("d.npy")')
    with pytest.raises(DiagramError, match=r"`x`: npy\(\"d.npy\"\) is one array, but A \* A is a product"):
        load_sources(d)


def test_without_scikit_learn_the_error_says_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(
        DiagramError, match=r"needs scikit-learn; `pip install 'learningdiagrams\[regimes\]'` brings it"
    ):
        load(Path(), 'sklearn("iris", "data")')
