"""What comparators say of themselves; their numbers are tested in tests/backends."""

import pytest

from learningdiagrams import losses
from learningdiagrams.errors import DiagramError
from learningdiagrams.losses import COMPARATORS, Comparator, Zero, comparator, function


def named(**wanted):
    return [n for n, cls in COMPARATORS.items() if all(getattr(cls, k) == v for k, v in wanted.items())]


def test_the_names_of_the_language():
    assert list(COMPARATORS) == (
        [
            "mse",
            "l1",
            "huber",
            "bce",
            "cross_entropy",
            "kl",
            "cosine",
            "info_nce",
            "accuracy",
            "top",
            "r2",
            "retrieval",
        ]
    )
    assert all(cls.__name__ == name and cls.__doc__ for name, cls in COMPARATORS.items())
    assert set(COMPARATORS) <= set(losses.__all__)


def test_what_may_be_concluded():
    assert named(zero=Zero.EQUAL) == ["mse", "l1", "huber"]
    assert named(zero=Zero.SHIFT) == ["kl"]
    assert named(zero=Zero.SCALE) == ["cosine"]
    assert named(zero=Zero.FLOOR) == ["bce", "cross_entropy", "info_nce"]
    assert named(zero=None) == named(trains=False) == named(larger_is_better=True)
    assert named(trains=False) == ["accuracy", "top", "r2", "retrieval"]
    assert named(vanishes=True) == ["mse", "l1", "huber", "kl", "cosine"]
    assert named(samplewise=False) == ["info_nce", "r2", "retrieval"]


def test_what_is_read():
    assert named(reads_classes=True) == ["mse", "l1", "huber", "bce", "cross_entropy", "accuracy", "top"]
    assert named(casts=True) == ["mse", "l1", "huber", "bce", "r2"]
    assert named(needs_classes=True) == ["cross_entropy", "kl", "accuracy", "top"]
    assert named(rows=True) == ["cross_entropy", "kl", "cosine", "info_nce", "accuracy", "top", "retrieval"]


def test_defaults():
    assert losses.kl() == losses.kl(temperature=1) and losses.huber().delta == 1
    assert losses.info_nce().temperature == 0.07 and losses.top().k == 5 and losses.retrieval().k == 1


def test_every_way_to_say_by():
    for by in ("kl(temperature=4)", " kl( temperature = 4 ) ", losses.kl(4)):
        assert comparator(by) == losses.kl(4)
    assert comparator(losses.mse) == comparator("mse") == comparator("mse()") == losses.mse()


def test_functions():
    def apart(x, y):
        return 0.0

    by = comparator(apart)
    assert isinstance(by, function) and by.f is apart and str(by) == "⟨apart⟩"
    assert by == comparator(apart) and hash(by) == hash(function(apart))
    assert by != comparator(lambda x, y: 0.0)
    assert str(comparator(lambda x, y: 0.0)) == "⟨lambda⟩"
    assert by.zero is None and not by.vanishes and not by.samplewise and by.trains

    class Distance:
        def __call__(self, x, y):
            return 0.0

    assert str(comparator(Distance())) == "⟨Distance⟩"


WRONG = {
    "hubr": "there is no comparator `hubr`; did you mean `huber`?",
    "zebra": f"there is no comparator `zebra`; there are {', '.join(COMPARATORS)}",
    "huber(delta=-1)": "`huber`: delta is to be a positive number, not -1",
    "info_nce(temperature=0)": "`info_nce`: temperature is to be a positive number, not 0",
    'info_nce(distance="euclid")': (
        '`info_nce`: distance is to be one of "cosine", "euclidean", not "euclid"; did you mean `euclidean`?'
    ),
    "info_nce(both=1)": "`info_nce`: both is to be True or False, not 1",
    "retrieval(k=0)": "`retrieval`: k is to be a whole number of at least 1, not 0",
    "top(True)": "`top`: k is to be a whole number of at least 1, not True",
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_texts(text):
    with pytest.raises(DiagramError) as caught:
        comparator(text)
    assert str(caught.value) == WRONG[text]


def test_what_is_no_comparator():
    from learningdiagrams.layers import relu

    wanted = "a comparator is a name, a value of `losses` or a function of two arrays"
    for wrong, text in ((3, "3"), (None, "None"), (relu(), "relu")):
        with pytest.raises(DiagramError) as caught:
            comparator(wrong)  # pyright: ignore[reportArgumentType]
        assert str(caught.value) == f"{wanted}, not {text}"
    assert issubclass(function, Comparator)
