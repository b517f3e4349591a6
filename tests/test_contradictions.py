"""What goals ask for together and cannot have."""

import pytest

import learningdiagrams as ld

TWO_LABELS = """
object S, X, Y
data x : S -> X
data mine : S -> Y
data yours : S -> Y
model f : X -> Y
"""
FLAT = """
object S, X, Z
data x : S -> X
model enc : X -> Z
model dec : Z -> X
model c : 1 -> Z
"""


def found(text: str) -> list[tuple[str, tuple[str, ...], set[str]]]:
    """Kind, names and equations used; every proof checks."""
    contradictions = ld.loads(text).check().contradictions
    for contradiction in contradictions:
        for verdict in contradiction.proofs:
            verdict.proof.check()
    return [(one.kind, one.names, set(one.used)) for one in contradictions]


def test_two_data_that_are_made_equal():
    both = TWO_LABELS + "goal a : x >> f = mine\ngoal b : x >> f = yours\n"
    assert found(both) == [("equal data", ("mine", "yours"), {"a", "b"})]
    assert found(TWO_LABELS + "goal a : x >> f = mine\n") == []


def test_of_three_that_are_equal_two_pairs_are_named():
    text = (
        TWO_LABELS
        + "noise n : S -> Y = normal(2)\n"
        + "".join(f"goal g{i} : x >> f = {name}\n" for i, name in enumerate(("mine", "yours", "n")))
    )
    assert [names for _, names, _ in found(text)] == [("mine", "yours"), ("mine", "n")]


def test_players_are_no_hypotheses():
    game = TWO_LABELS.replace("model f", "model g : X -> X\nmodel f")
    game += "goal fake : x >> g >> f = mine by bce train f\ngoal fool : x >> g >> f = yours by bce train g\n"
    examined = ld.loads(game).check()
    assert examined.players == ("fake", "fool") and examined.contradictions == ()
    assert "game: fake, fool play against each other" in str(examined)
    # Without `train` the very same goals are no game.
    assert found(game.replace(" train f", "").replace(" train g", "")) != []


def test_what_the_laws_say_is_none_of_the_goals_doing():
    text = TWO_LABELS + "law same : mine = yours\ngoal a : x >> f = mine\ngoal b : x >> f = yours\n"
    assert found(text) == []


def test_data_that_are_made_constant():
    text = FLAT + "goal round : enc >> dec = id(X) on x\ngoal flat : x >> enc = drop(S) >> c\n"
    assert found(text) == [("constant data", ("x",), {"round", "flat"})]


def test_an_object_each_map_into_which_is_made_constant():
    text = FLAT.replace("model dec : Z -> X\n", "") + "goal flat : x >> enc = drop(S) >> c\n"
    assert found(text) == [("maps", ("Z",), {"flat"})]
    # Another map into Z, that nothing makes constant.
    assert found(text.replace("model c", "model other : X -> Z\nmodel c")) == []


def test_an_object_whose_identity_is_made_constant():
    """A ring in which one is zero."""
    text = """
object S, Z
data z : S -> Z
model mul : Z * Z -> Z
model one : 1 -> Z
model zero : 1 -> Z
law unit : ((drop(Z) >> one) & id(Z)) >> mul = id(Z)
law absorb : ((drop(Z) >> zero) & id(Z)) >> mul = drop(Z) >> zero
"""
    assert found(text) == []
    ((kind, names, used),) = found(text + "goal same : one = zero\n")
    assert (kind, names, used) == ("object", ("Z",), {"unit", "same", "absorb"})


def test_what_is_printed_says_what_it_means_and_proves_it():
    text = TWO_LABELS + "goal a : x >> f = mine by cross_entropy\ngoal b : x >> f = yours\n"
    lines = str(ld.loads(text).check()).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("contradiction:"))
    assert lines[at : at + 4] == [
        "contradiction: `mine` and `yours` are made equal by `a`, `b`: unless the data agree, no parameters meet these "
        "goals, and training settles between them (goals read as equations, though `a` by cross_entropy does not ask "
        "for equal sides)",
        "    mine",
        "      = x >> f    by a, backwards: mine -> x >> f",
        "      = yours    by b: x >> f -> yours",
    ]


@pytest.mark.parametrize("seconds", [0, 1e-9])
def test_without_time_nothing_is_claimed(seconds):
    text = TWO_LABELS + "goal a : x >> f = mine\ngoal b : x >> f = yours\ngoal c : x >> f = yours\n"
    examined = ld.loads(text).check(max_seconds=seconds)
    assert examined.contradictions == () and examined.derivable == {} and {"b", "c"} <= set(examined.undecided)
