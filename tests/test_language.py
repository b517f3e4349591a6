"""Reading the text form: every declaration, the shape of a text, and expressions over a diagram."""

import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learningdiagrams.declarations import Space, Stage, Style
from learningdiagrams.diagram import RESERVED, Diagram, stop
from learningdiagrams.language import (
    LanguageError,
    Problem,
    load,
    loads,
    parse_equation,
    parse_expression,
)
from learningdiagrams.language.writing import write
from learningdiagrams.losses import kl
from learningdiagrams.schedules import cosine, linear
from learningdiagrams.specs import spec
from learningdiagrams.theory import drop, identity, proj

from .diagrams import diagrams

DISTILLATION = """\
diagram Distillation

object Sample, Image[64], Logits[10]
data   pixels  : Sample -> Image
data   label   : Sample -> Logits
frozen teacher : Image -> Logits
model  student : Image -> Logits

goal    hard     : pixels >> student = label               by cross_entropy
goal    soft     : pixels >> student = pixels >> teacher   by kl(temperature=4)   weight 0.7
measure accuracy : pixels >> student = label               by accuracy
"""
BASE = """\
object S, A[3], B[4]
data   x : S -> A
data   y : S -> B
model  f : A -> B
model  g : B -> A
frozen t : A -> B
"""
WORDS = (*sorted(RESERVED), *"xyfgtSABq", "mse", "kl", "epochs", "mlp", "ema", "at", "1", "2.5", '"a"')
SIGNS = ("(", ")", "[", "]", "=", ":", ",", ">>", "&", "@", "*", "->", "-", "\n")


@pytest.fixture
def base() -> Diagram:
    return loads(BASE)


def test_the_example_is_the_diagram_that_python_builds():
    d = Diagram("Distillation")
    sample, image, logits = d.object("Sample"), d.object("Image", (64,)), d.object("Logits", (10,))
    pixels, label = d.data("pixels", sample, image), d.data("label", sample, logits)
    teacher, student = d.frozen("teacher", image, logits), d.model("student", image, logits)
    d.goal("hard", pixels >> student, label, by="cross_entropy")
    d.goal("soft", pixels >> student, pixels >> teacher, by="kl(temperature=4)", weight=0.7)
    d.measure("accuracy", pixels >> student, label, by="accuracy")
    assert loads(DISTILLATION) == d


class TestDeclarations:
    def test_title(self):
        assert loads("diagram Named").name == "Named"
        assert loads('diagram "few shots, \\"many\\" tasks"').name == 'few shots, "many" tasks'
        assert loads("").name == loads("object A").name == Diagram().name

    def test_objects(self):
        d = loads("object A, B[28, 28], C[n, 64] int, D[], E bool, F[steps]")
        assert dict(d.spaces) == {
            "A": Space(),
            "B": Space((28, 28)),
            "C": Space(("n", 64), "int"),
            "D": Space(()),
            "E": Space(None, "bool"),
            "F": Space(("steps",)),
        }

    def test_roles(self):
        d = loads(
            "object S, A\nmap i : S -> 1\ndata x : S -> A\n"
            "noise z : S -> A = normal(16)\nnoise w : S -> A = shuffle(x)\n"
            "model m : A -> A\nfrozen t : A -> A\nfixed k : A -> A\nmodel e : A -> A = ema(m, decay=0.5)\n"
        )
        roles = {
            "i": "map",
            "x": "data",
            "z": "noise",
            "w": "noise",
            "m": "model",
            "t": "frozen",
            "k": "fixed",
        }
        assert dict(d.roles) == {**roles, "e": "ema"}
        assert {name: str(made) for name, made in d.specs.items()} == {
            "z": "normal(16)",
            "w": "shuffle(x)",
            "e": "ema(m, decay=0.5)",
        }

    def test_products_and_the_terminal_object(self):
        d = loads("object A, B\nmap f : A * (B * A) -> (1 * B)\nmodel c : 1 -> A")
        A, B = d["A"], d["B"]
        assert (d["f"].dom, d["f"].cod, d["c"].dom) == (A * B * A, B, d.unit)

    @pytest.mark.parametrize(
        "text",
        [
            "mlp(64, 32, 10)",
            'mlp(64, 32, 10, activation="tanh", dropout=0.5)',
            "sequential(reshape(1, -1), flatten, linear(4, 2, bias=False))",
            'torch("my_models:Student", width=32, sizes=(1, 2.5), deep=True, rest=None, one=(3,), none=())',
            "constant(-1.5e-3)",
        ],
    )
    def test_realisations(self, text: str):
        assert loads(f"object A, B\nmodel f : A -> B = {text}").specs["f"] == spec(text)

    def test_texts_keep_latex_and_paths_as_they_are(self):
        d = loads(r"object S, A" + "\n" + r'data x : S -> A = npy("C:\data\new.npy")' + "\n" + r'style x label="\nu"')
        assert str(d.specs["x"].arguments()[0][0]) == r"C:\data\new.npy"
        assert d.styles["x"] == Style("x", label=r"\nu")
        assert loads(r"object A" + "\n" + r'style A label="\"\\ \u03c3"').styles["A"].label == '"\\ σ'

    def test_laws(self, base: Diagram):
        d = loads(BASE + "law f >> g = id(A)\nlaw both : f >> g = id(A)\nlaw g >> f = id(B)\n")
        assert list(d.laws) == ["law0", "both", "law2"]
        assert d.laws["both"].left == d["f"] >> d["g"]

    def test_goals(self):
        d = loads(
            BASE + "goal a : x >> f = y\n"
            "goal b : f = t on x, y >> g by kl(temperature=4) weight -2 train f, g\n"
            "goal c : x >> f = y weight linear(0, 1, steps=1000)\n"
            "goal d : x >> f = y train g weight cosine(1, 0.5, steps=10) by l1\n"
        )
        a, b, c, e = d.goals.values()
        assert (str(a.by), a.weight, a.train, a.on) == ("mse", 1.0, None, ())
        assert (b.by, b.weight, b.train) == (kl(4), -2.0, ("f", "g"))
        assert b.on == (d["x"], d["y"] >> d["g"])
        assert c.weight == linear(0, 1, steps=1000)
        assert (str(e.by), e.weight, e.train) == ("l1", cosine(1, 0.5, steps=10), ("g",))

    def test_notes_come_in_any_order(self):
        one = loads(BASE + "goal g1 : f = t on x by l1 weight 2 train f")
        two = loads(BASE + "goal g1 : f = t train f weight 2 by l1 on x")
        assert one == two

    def test_measures(self):
        d = loads(BASE + "measure m : f = t on x by top(k=3)")
        assert (str(d.measures["m"].by), d.measures["m"].on) == ("top(k=3)", (d["x"],))

    def test_stages(self):
        d = loads(BASE + "goal a : x >> f = y\nstage s : train f, g by a epochs 5\nstage u : by a steps 3 train f\n")
        assert dict(d.stages) == {
            "s": Stage("s", ("f", "g"), ("a",), 5),
            "u": Stage("u", ("f",), ("a",), None, 3),
        }

    def test_styles(self):
        d = loads(BASE + 'style f at=(0, -1.5), label="\\sigma", curve=2, colour="#c33"\n')
        assert d.styles["f"] == Style("f", (0, -1.5), r"\sigma", 2, "#c33")


class TestExpressions:
    @pytest.mark.parametrize(
        ("text", "build"),
        [
            ("x >> f", lambda d: d["x"] >> d["f"]),
            ("x >> f & y", lambda d: (d["x"] >> d["f"]) & d["y"]),
            ("x >> (f & t)", lambda d: d["x"] >> (d["f"] & d["t"])),
            ("(x & y) >> f @ g", lambda d: (d["x"] & d["y"]) >> (d["f"] @ d["g"])),
            ("x & y & x", lambda d: d["x"] & d["y"] & d["x"]),
            ("f @ g @ t", lambda d: d["f"] @ d["g"] @ d["t"]),
            ("id(A * B)", lambda d: identity(d["A"] * d["B"])),
            ("(x & y) >> proj(A * B, 1)", lambda d: d["y"]),
            ("x >> drop(A)", lambda d: drop(d["S"])),
            ("id(1)", lambda d: identity(d.unit)),
            ("stop(x >> f) >> g", lambda d: stop(d["x"] >> d["f"]) >> d["g"]),
            ("proj((A * B) * A, 2)", lambda d: proj(d["A"] * d["B"] * d["A"], 2)),
            ("x\n >> # a comment\n f", lambda d: d["x"] >> d["f"]),
        ],
    )
    def test_read(self, base: Diagram, text: str, build):
        assert parse_expression(base, text) == build(base)

    def test_a_diagram_reads_sides_given_as_text(self, base: Diagram):
        goal = base.goal("a", "x >> f", "y", by="mse")
        assert (goal.left, goal.right) == (base["x"] >> base["f"], base["y"])

    def test_equations(self, base: Diagram):
        assert parse_equation(base, "f >> g = id(A)") == (base["f"] >> base["g"], identity(base["A"]))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("x >> ff", "EXPRESSION:1:6: there is no map `ff`; did you mean `f`?"),
            (
                "",
                "EXPRESSION:1:1: a map is missing at the end; maps are written one after another as `f >> g`",
            ),
            ("x = y", "EXPRESSION:1:3: `=` is one too many; maps are written one after another as `f >> g`"),
            (
                "x\n>> f >>",
                "EXPRESSION:2:8: a map is missing at the end; maps are written one after another as `f >> g`",
            ),
        ],
    )
    def test_errors_of_expressions(self, base: Diagram, text: str, message: str):
        with pytest.raises(LanguageError) as caught:
            parse_expression(base, text)
        assert str(caught.value) == message

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("f >> g", "EQUATION:1:7: `=` is missing at the end; an equation is written `p = q`"),
            (
                "f = g",
                "EQUATION:1:5: the equation: the sides are not parallel: "
                "`f` is a morphism A -> B, but `g` is one B -> A",
            ),
            (
                "f >> h = id(Q)",
                "EQUATION:1:6: there is no map `h`; there are x, y, f, g, t\n"
                "EQUATION:1:13: there is no object `Q`; there are S, A, B",
            ),
        ],
    )
    def test_errors_of_equations(self, base: Diagram, text: str, message: str):
        with pytest.raises(LanguageError) as caught:
            parse_equation(base, text)
        assert str(caught.value) == message


class TestShapeOfAText:
    @pytest.mark.parametrize(
        "change",
        [
            lambda text: "\ufeff" + text,
            lambda text: text.replace("\n", "\r\n"),
            lambda text: text.replace("\n", "\r"),
            lambda text: text.replace(" ", "\t"),
            lambda text: text.replace(" ", "\u00a0 \u3000"),
            lambda text: text.replace("\n", '  # comment ( [ " goal\n\n'),
            lambda text: text.rstrip("\n"),
            lambda text: text.replace("temperature=4", "\n\n  temperature  # T\n=\n4\n"),
            lambda text: text.replace("[64]", "[\n64\n]"),
            lambda text: text.replace(" : ", ":").replace(" = ", "=").replace(" >> ", ">>").replace(" -> ", "->"),
            lambda text: text.replace("student", "ｓｔｕｄｅｎｔ", 1),
        ],
    )
    def test_blanks_breaks_and_comments_are_free(self, change):
        assert loads(change(DISTILLATION)) == loads(DISTILLATION)

    def test_names_are_normalised(self):
        d = loads("object A\nmap ﬁx : A -> A\nmap cafe\u0301 : A -> A\nmap x² : A -> A\nlaw fix >> café >> x2 = id(A)")
        assert list(d.generators) == ["fix", "café", "x2"]

    def test_a_word_of_the_language_is_whole(self):
        d = loads("object objects\nmap goalg : objects -> objects\nmap byte : objects -> objects\nlaw goalg = byte")
        assert list(d.generators) == ["goalg", "byte"]

    def test_an_option_may_have_the_name_of_a_declaration(self):
        d = loads("object A\nmodel m : A -> A\nmodel e : A -> A = ema(\n  model=m,\n  decay=0.5)")
        assert d.specs["e"] == spec("ema(m, decay=0.5)")

    def test_columns_count_characters(self):
        with pytest.raises(LanguageError) as caught:
            loads("object A\r\nmap\tσ : A\t-> 日\r\n", file="a.diagram")
        assert caught.value.errors == (Problem("a.diagram", 2, 14, "there is no object `日`; there is A"),)


class TestErrors:
    def test_all_errors_come_in_one_run_sorted_by_place(self):
        with pytest.raises(LanguageError) as caught:
            loads(
                "object A\ngoal g : f = q\nobject B[\nmap f A\nmodle m : A -> A\nmap h : A -> Z\nlaw m = h",
                file="x",
            )
        assert str(caught.value) == "\n".join(
            [
                "x:2:10: `f` is declared only in line 4; a name is declared before it is used",
                "x:2:14: there is no map `q`; none is declared so far",
                "x:3:9: `[` is never closed; `]` is missing",
                "x:4:7: `A` where `:` should be; a map is written `map NAME : A -> B`",
                "x:5:1: there is no declaration `modle`; did you mean `model`?",
                "x:6:14: there is no object `Z`; there is A",
            ]
        )

    @pytest.mark.parametrize(
        "broken",
        [
            "model h : A -> Q",
            "model h A",
            "model h : A -> B = mpl(3)",
            "modle h : A -> B",
            "model h : (A -> B",
            "model h : A × A -> B",
        ],
    )
    def test_one_mistake_is_one_error(self, broken: str):
        uses = (
            "\ngoal e : x >> h = y train h\nstage s : train h by e\nmodel k : A -> B = ema(h)\n"
            "style h at=(0, 1)\nlaw h = f\n"
        )
        with pytest.raises(LanguageError) as caught:
            loads(BASE + broken + uses)
        assert [problem.line for problem in caught.value.errors] == [7]

    def test_faulty_objects_are_known(self):
        with pytest.raises(LanguageError) as caught:
            loads("object A[0], B, C D\nmap f : A -> B\nlaw f >> f = id(A)\nobject n\nobject q[, r\nmap h : n -> q")
        assert [(p.line, p.column) for p in caught.value.errors] == [(1, 10), (1, 19), (5, 9)]

    def test_a_law_without_name_that_is_faulty_leaves_the_others_names_open(self):
        with pytest.raises(LanguageError) as caught:
            loads(BASE + "law f = g\nlaw f = t\nstyle law1 at=(0, 1)\nstyle law0 at=(0, 1)")
        assert [problem.line for problem in caught.value.errors] == [7]

    def test_errors_travel_between_processes(self):
        with pytest.raises(LanguageError) as caught:
            loads("foo\nbar")
        again = pickle.loads(pickle.dumps(caught.value))
        assert (again.errors, str(again)) == (caught.value.errors, str(caught.value))

    def test_lookalikes(self):
        with pytest.raises(LanguageError) as caught:
            loads("object A, В\nmap copy : A -> A\nmap сору : A -> A\nmap f : A -> B\nlaw сopy = copy")
        assert str(caught.value).splitlines() == [
            "<text>:3:5: `сору` looks like `copy` of line 2: letter 1 of `сору` is CYRILLIC SMALL LETTER ES",
            "<text>:4:14: there is no object `B`; did you mean `В`? They differ: "
            "letter 1 of `В` is CYRILLIC CAPITAL LETTER VE",
            "<text>:5:5: there is no map `сopy`; did you mean `copy`? They differ: "
            "letter 1 of `сopy` is CYRILLIC SMALL LETTER ES",
        ]


class TestFiles:
    def test_a_file_knows_its_folder(self, tmp_path: Path):
        path = tmp_path / "d.diagram"
        path.write_text(DISTILLATION, encoding="utf-8")
        d = load(path)
        assert (d, d.directory, d.trusted) == (loads(DISTILLATION), tmp_path, False)
        assert load(str(path), trust=True).trusted

    def test_the_name_of_the_file_is_as_it_was_given(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(tmp_path)
        Path("x.diagram").write_text("objct A")
        with pytest.raises(
            LanguageError, match=r"^x\.diagram:1:1: there is no declaration `objct`; did you mean `object`\?$"
        ):
            load("x.diagram")

    def test_bytes_that_are_no_utf8(self, tmp_path: Path):
        path = tmp_path / "x.diagram"
        path.write_bytes("object A\nmap σ".encode() + b"\xe9 : A -> A\n# \xff\nmap g : A -> Q")
        with pytest.raises(LanguageError) as caught:
            load(path)
        assert [str(p).removeprefix(f"{path}:") for p in caught.value.errors] == [
            "2:6: the byte 0xE9 is no UTF-8; a diagram is a text in UTF-8",
            "3:3: the byte 0xFF is no UTF-8; a diagram is a text in UTF-8",
            "4:14: there is no object `Q`; there is A",
        ]

    def test_other_endings_are_refused(self, tmp_path: Path):
        with pytest.raises(
            LanguageError, match=r"x\.diagrm:1:1: a diagram is read from .* did you mean `\.diagram`\?$"
        ):
            load(tmp_path / "x.diagrm")

    def test_a_file_that_is_missing_is_an_os_error(self, tmp_path: Path):
        with pytest.raises(FileNotFoundError):
            load(tmp_path / "x.diagram")

    def test_reading_runs_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        (tmp_path / "trap.py").write_text("raise SystemExit")
        monkeypatch.syspath_prepend(tmp_path)
        (tmp_path / "x.diagram").write_text('object A\nmodel f : A -> A = torch("trap:Net")')
        assert str(load(tmp_path / "x.diagram", trust=True).specs["f"]) == 'torch("trap:Net")'


class TestSize:
    def test_a_thousand_generators_and_goals(self):
        maps = "".join(f"model f{i} : A -> A = linear(3, 3)\n" for i in range(1000))
        goals = "".join(f"goal g{i} : x >> f{i} >> f{i * 7 % 1000} = x train f{i}\n" for i in range(1000))
        d = loads("object S, A\ndata x : S -> A\n" + maps + goals)
        assert len(d.models) == len(d.goals) == 1000 and str(d["g3"].left) == "x >> f3 >> f21"

    def test_a_thousand_errors(self):
        goals = "".join(f"goal g{i} : x >> q{i} = y\n" for i in range(1000))
        with pytest.raises(LanguageError) as caught:
            loads(BASE + goals)
        assert len(caught.value.errors) == 1000

    @pytest.mark.parametrize(
        "text",
        [
            " >> ".join(["f", "g"] * 25_000),
            "(" * 20_000 + "f" + ")" * 20_000,
            "(f >> g >> " * 10_000 + "f" + ")" * 10_000,
            "stop(" * 10_000 + "f" + ")" * 10_000,
            " & ".join(["f"] * 2_000),
            " @ ".join(["f"] * 2_000),
        ],
        ids=["chain", "brackets", "nested", "stopped", "pairs", "products"],
    )
    def test_long_expressions_read_without_recursion(self, base: Diagram, text: str):
        assert parse_expression(base, text).dom.factors[:1] == (base["A"],)

    def test_deep_calls_are_refused(self):
        for opening, closing in (("sequential(", ")"), ("(", ",)")):
            deep = opening * 2000 + "relu" + closing * 2000
            with pytest.raises(LanguageError, match="brackets stand within more than 50 others here"):
                loads(f"object A\nmodel f : A -> A = sequential({deep})")


class TestAnyText:
    """Whatever the text, either a diagram is read or its mistakes are listed."""

    @staticmethod
    def reads(text: str) -> None:
        try:
            d = loads(text)
        except LanguageError as error:
            lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
            assert error.errors
            for problem in error.errors:
                assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        else:
            assert loads(write(d)) == d

    @given(st.text())
    def test_text(self, text: str):
        self.reads(text)

    @given(diagrams(), st.data())
    @settings(max_examples=60)
    def test_a_good_text_with_some_letters_changed(self, diagram: Diagram, data: st.DataObject):
        text = write(diagram)
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(text)))
            until = at + data.draw(st.integers(0, 4))
            new = data.draw(
                st.sampled_from(
                    (
                        *'()[]=:,>&@*-"\\#\n 1.',
                        "",
                        "goal ",
                        " by ",
                        "\ufeff",
                        "\ud800",
                        "²",
                        text[at:until] * 2,
                    )
                )
            )
            text = text[:at] + new + text[until:]
        self.reads(text)

    @given(st.lists(st.sampled_from((*WORDS, *SIGNS))).map(" ".join))
    def test_any_words_of_the_language(self, text: str):
        self.reads(BASE + text)
