"""What is told of a diagram without a tensor."""

import pytest

import learningdiagrams as ld
from learningdiagrams.errors import DiagramError
from learningdiagrams.examination import hypothesis, players


@pytest.fixture
def cycle():
    """An autoencoder both ways, sampled, with an adversary."""
    d = ld.Diagram("cycle")
    S, A, B, R = d.objects("S", "A", "B", "R")
    a, b, yes, no = d.data("a", S, A), d.data("b", S, B), d.data("yes", S, R), d.data("no", S, R)
    f, g, judge = d.model("f", A, B), d.model("g", B, A), d.model("judge", B, R)
    d.goal("round", f >> g, ld.identity(A), on=a)
    d.goal("back", g >> f, ld.identity(B), on=[b, a >> f])
    d.goal("fake", a >> f >> judge, no, by="bce", train=["judge"])
    d.goal("fool", a >> f >> judge, yes, by="bce", train=["f"])
    return d


def test_players_are_no_hypotheses(cycle):
    assert players(cycle) == {"fake", "fool"}
    assert cycle.prove("yes", "no").holds is not True


def test_a_goal_on_data_is_the_equation_after_it(cycle):
    assert cycle.prove("a >> f >> g", "a", using="goals").holds is True
    assert cycle.prove("f >> g", "id(A)", using="goals").holds is not True
    made = hypothesis(cycle, "goals")
    assert list(made.laws) == ["round", "back", "back#2"]


def test_using_says_what_is_taken_for_true(cycle):
    cycle.law("f >> judge", "f >> judge", name="triv")
    assert list(hypothesis(cycle, "laws").laws) == ["triv"]
    assert cycle.prove("a >> f >> g", "a", using="laws").holds is not True
    with pytest.raises(
        DiagramError, match=r"^using: there is no 'goal'; did you mean `goals`\?; it is laws, goals or all$"
    ):
        cycle.prove("a", "a", using="goal")


def test_what_may_not_be_used_proves_nothing(cycle):
    cycle.law("f >> judge", "f >> judge", name="triv")
    cycle.goal("twice", "a >> f >> g >> f >> g", "a")
    assert cycle.prove("a >> f >> g >> f >> g", "a", without=["twice"]).holds is True
    assert cycle.prove("a >> f >> g >> f >> g", "a", without="round").holds is True
    assert cycle.prove("a >> f >> g >> f >> g", "a", without=["twice", "round", "back"]).holds is not True
    assert cycle.prove("a >> f >> g >> f >> g", "a").holds is True
    with pytest.raises(DiagramError, match=r"^without: there is no law or goal `twise` in .*; did you mean `twice`\?$"):
        cycle.prove("a", "a", without=["triv", "twise"])


def test_derivable_goals_are_found_with_what_they_follow_from(cycle):
    # `back` after a >> f follows from `round`; after b it does not.
    assert list(cycle.check().derivable) == []
    cycle.goal("twice", "a >> f >> g >> f >> g", "a")
    found = cycle.check()
    # Each follows from the others: `round` too, from `twice` and `back` after a >> f.
    assert list(found.derivable) == ["round", "twice"]
    assert "derivable: goal `twice` follows from round" in str(found)


def test_derivable_goals_are_printed_with_their_proofs(cycle):
    cycle.goal("twice", "a >> f >> g >> f >> g", "a")
    lines = str(cycle.check()).splitlines()
    at = lines.index("derivable: goal `twice` follows from round")
    assert lines[at + 1 : at + 4] == [
        "    a >> f >> g >> f >> g",
        "      = a >> f >> g    by round: a >> f >> g -> a",
        "      = a    by round: a >> f >> g -> a",
    ]


def test_a_goal_sampled_on_several_is_derivable_when_each_of_its_equations_is(cycle):
    cycle.data("c", cycle["S"], cycle["A"])
    cycle.goal("known", "f >> g", ld.identity(cycle["A"]), on=["a", "b >> g"])
    cycle.goal("half", "f >> g", ld.identity(cycle["A"]), on=["a", "c"])
    found = cycle.check()
    assert "half" not in found.derivable and found.undecided == ()
    first, second = found.derivable["known"]
    assert {step.law for step in first.proof.steps} <= {"round", "half"}
    assert [step.law for step in second.proof.steps] == ["back"]
    for verdict in (first, second):
        verdict.proof.check()


def test_a_long_proof_is_cut(cycle):
    cycle.goal("many", " >> ".join(["a", *["f", "g"] * 12]), "a")
    assert "      … and 4 steps more" in str(cycle.check()).splitlines()


def test_a_comparator_that_does_not_separate_is_said(cycle):
    cycle.goal("near", "a >> f >> g", "a", by="cosine")
    assert (
        "derivable: goal `round` follows from near (goals read as equations, though `near` by cosine does not ask for "
        "equal sides)"
    ) in str(cycle.check())


@pytest.mark.parametrize("twice", [False, True])
def test_a_thousand_goals_over_one_backbone_are_decided(twice):
    """Each goal once: none follows from the others. Each twice: all do."""
    d = ld.Diagram("thousand")
    S, X, Z, Y = d.objects("S", "X", "Z", "Y")
    trunk = d.data("x", S, X) >> d.model("backbone", X, Z)
    for i in range(500):
        head, label = d.model(f"h{i}", Z, Y), d.data(f"y{i}", S, Y)
        for copy in range(1 + twice):
            d.goal(f"g{i}_{copy}", trunk >> head, label)
    found = d.check(max_seconds=60)
    assert found.undecided == () and len(found.derivable) == (1000 if twice else 0) and found.contradictions == ()


def test_equal_sides_follow_from_nothing():
    d = ld.Diagram()
    S, A = d.objects("S", "A")
    x, f = d.data("x", S, A), d.model("f", A, A)
    d.goal("same", x >> f, x >> f)
    assert "derivable: goal `same` follows from nothing: its sides are equal" in str(d.check())


def test_what_looks_wrong_is_a_warning():
    d = ld.Diagram("odd")
    S, A, B, _ = d.objects("S", "A", "B", "Lonely")
    x, t = d.data("x", S, A), d.frozen("t", A, A)
    d.model("f", A, B)
    d.fixed("k", A, B)
    d.goal("still", x >> t, x)
    assert d.check().warnings == (
        "goal `still` mentions no model, so that nothing makes it true",
        "no goal moves the model `f`",
        "`k` occurs in no equation",
        "no generator starts or ends at the object Lonely",
    )


def test_a_summary_lists_what_there_is(cycle):
    text = str(cycle.check())
    assert text.startswith(
        "diagram cycle\n"
        "objects (4)    S, A, B, R\n"
        "data (4)       a, b, yes, no\n"
        "models (3)     f, g, judge\n"
        "goals (4)      round, back, fake, fool"
    )


def test_shapes_of_layers_are_checked():
    d = ld.Diagram()
    d.object("S")
    d.object("X", (3,))
    x = d.data("x", d["S"], d["X"])
    d.goal("g", x >> d.model("f", d["X"], d["X"], "mlp(3, 4)"), x)
    with pytest.raises(DiagramError, match=r"`f` gives \[4\], but X is declared \[3\]"):
        d.check()


def test_what_was_learned_is_kept_until_the_diagram_grows(cycle):
    assert cycle.prove("a >> f >> g", "a").holds is True
    (kept,) = cycle.hypotheses.values()
    cycle.prove("a >> f >> g >> f", "a >> f")
    assert list(cycle.hypotheses.values()) == [kept]
    cycle.law("judge", "judge", name="triv")
    cycle.prove("a >> f >> g", "a")
    assert list(cycle.hypotheses.values()) != [kept]
