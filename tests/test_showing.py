"""What notebooks show: every value by itself, names as text, nothing that takes long, and once in a real kernel."""

from __future__ import annotations

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.formulas import FORMULAS
from learningdiagrams.losses import COMPARATORS
from learningdiagrams.theory import (
    CSet,
    Functor,
    NaturalTransformation,
    Presentation,
    Proved,
    coequalizer,
    coproduct,
    identity,
    pushout,
)
from learningdiagrams.theory.showing import SYMBOLS, functors_html, proof_html
from learningdiagrams.training.history import History
from learningdiagrams.training.live import PAUSE, SHARE, Plot, in_notebook

VOID = {"meta", "br", "hr", "rect", "path", "polygon", "circle", "line"}
TEXT = """
diagram "<script>alert(1)</script>"
object Sample, Image[6], Logits[3]
data   pixels  : Sample -> Image
data   label   : Sample -> Logits
frozen teacher : Image -> Logits = mlp(6, 16, 3)
model  student : Image -> Logits = mlp(6, 4, 3)
goal    hard     : pixels >> student = label             by cross_entropy
goal    soft     : pixels >> student = pixels >> teacher by kl(temperature=4) weight 0.7
measure accuracy : pixels >> student = label             by accuracy
style student label="<script>alert(2)</script>"
"""


class Tags(HTMLParser):
    """The tags of a piece of HTML, which have to close each other."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def tags(html: str) -> list[str]:
    parser = Tags()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser.found


@pytest.fixture(scope="module")
def graph() -> Presentation:
    P = Presentation("Graph <script>")
    V, E = P.objects("V", "E")
    src, inv = P.morphism("src", E, V), P.morphism("inv", E, E)
    P.law(inv >> inv, identity(E), name="involution")
    P.law(inv >> src, src, name="flip_1")
    return P


@pytest.fixture(scope="module")
def data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"pixels": rng.normal(size=(12, 6)), "label": rng.integers(3, size=12)}


# The theory -----------------------------------------------------------------------------------------------------


def test_a_presentation_is_a_picture_above_tables(graph: Presentation):
    html = graph._repr_html_()
    assert tags(html).count("svg") == 1 and tags(html).count("table") == 2 and "script" not in tags(html)
    for words in ("Graph &lt;script&gt;", "<code>E → V</code>", "<code>inv &gt;&gt; inv = id(E)</code>"):
        assert words in html


def test_expressions_and_laws_are_mathematics(graph: Presentation):
    E, inv = graph["E"], graph["inv"]
    assert (E * E)._repr_latex_() == r"$\displaystyle \mathrm{E} \times \mathrm{E}$"
    assert graph.unit._repr_latex_() == r"$\displaystyle 1$"
    assert ((inv & inv >> inv) >> inv @ identity(E))._repr_latex_() == (
        r"$\displaystyle \langle \mathrm{inv}, \mathrm{inv} \mathbin{;} \mathrm{inv} \rangle \mathbin{;} "
        r"\mathrm{inv} \times \mathrm{id}_{\mathrm{E}} \;:\; \mathrm{E} \to \mathrm{E} \times \mathrm{E}$"
    )
    assert (
        ((inv >> inv) @ inv)._repr_latex_().startswith(r"$\displaystyle (\mathrm{inv} \mathbin{;} \mathrm{inv}) \times")
    )
    assert graph.laws["flip_1"]._repr_latex_() == (
        r"$\displaystyle \mathrm{inv} \mathbin{;} \mathrm{src} = \mathrm{src} \qquad \text{flip\_1}$"
    )


def test_verdicts_show_the_proof_the_witness_or_the_reason(graph: Presentation):
    inv, src = graph["inv"], graph["src"]
    proved, refuted = graph.prove(inv >> inv >> src, src), graph.prove(inv, identity(graph["E"]))
    for words in (
        "<strong>proved</strong>",
        "<code>involution</code>",
        "<code>inv &gt;&gt; inv</code> ↦ <code>id(E)</code>",
    ):
        assert words in proved._repr_html_()
    assert "<strong>refuted</strong>" in refuted._repr_html_() and "<pre>" in refuted._repr_html_()
    assert isinstance(proved, Proved)
    unknown = graph.prove(inv >> inv, identity(graph["E"]), max_steps=0)
    html = unknown._repr_html_()
    assert unknown.holds is not None or "<strong>unknown</strong>" in html
    for verdict in (proved, refuted, unknown):
        tags(verdict._repr_html_())
    assert proved.proof._repr_latex_() == proved.proof.to_latex() and proved.proof._repr_html_() is None
    assert tags(proof_html(proved.proof)).count("tr") == 1 + 1 + len(proved.proof.steps)


def test_a_long_proof_is_cut_and_says_by_how_much(graph: Presentation):
    inv, src = graph["inv"], graph["src"]
    left = src
    for _ in range(101):
        left = inv >> left
    verdict = graph.prove(left, src)
    assert isinstance(verdict, Proved)
    proof = verdict.proof
    more = len(proof.steps) - 40
    assert more > 0
    latex, html = proof._repr_latex_() or "", proof_html(proof)
    assert latex.count("=") == 40 + 1 and f"by {more} more steps" in latex and latex.endswith("\\end{align*}")
    assert f"{more} more steps, ending at <code>src</code>" in html


def test_what_is_too_long_to_be_read_is_no_formula(graph: Presentation):
    inv = graph["inv"]
    mul = Presentation("Magma")
    (M,) = mul.objects("M")
    times = mul.morphism("times", M * M, M)
    doubled = identity(M)
    for _ in range(40):
        doubled = (doubled & doubled) >> times
    assert doubled._repr_latex_() is None
    law = mul.law(doubled, identity(M))
    assert law._repr_latex_() is None and len(mul._repr_html_()) < 20_000
    long = inv
    for _ in range(SYMBOLS):
        long = long >> inv
    verdict = graph.prove(long >> inv, long >> inv >> inv >> inv)
    assert isinstance(verdict, Proved)
    proof = verdict.proof
    assert proof._repr_latex_() is None and "…" in (proof._repr_html_() or "")


def test_functors_transformations_and_colimits(graph: Presentation):
    R = Presentation("Shared")
    R.objects("V", "E")
    F = Functor(R, graph, {"V": "V", "E": "E"}, {})
    assert "<code>V</code>" in F._repr_html_() and tags(F._repr_html_()).count("tr") == 3
    one = NaturalTransformation(F, F, {"V": identity(graph["V"]), "E": graph["inv"]})
    assert "<code>inv</code>" in one._repr_html_() and tags(one._repr_html_()).count("tr") == 3
    po = pushout(F, F)
    square = po._repr_svg_() or ""
    # Four corners, four arrows, and the sign that the square commutes.
    assert square.count('data-kind="object"') == 4 and square.count('data-kind="arrow"') == 4
    for words in (">Shared<", ">in₀<", ">in₁<", ">F₀<", ">F₁<", ">=<"):
        assert words in square
    html = po._repr_html_()
    assert "leg 1" in html and tags(html).count("svg") == 1 and "script" not in tags(html)
    assert (coproduct(graph, graph, graph)._repr_svg_() or "").count('data-kind="arrow"') == 3
    fork = coequalizer(F, Functor(R, graph, {"V": "V", "E": "V"}, {}))._repr_svg_() or ""
    assert fork.count('data-kind="object"') == 3 and ">in<" in fork


def test_what_a_search_found_is_a_table_with_a_column_each():
    task = ld.loads("object S, X, Y\ndata x : S -> X\ndata y : S -> Y\nmodel f : X -> Y\ngoal fit : x >> f = y")
    pair = ld.loads("object S, X, Y\ndata x : S -> X\ndata y : S -> Y\nmodel f : X -> Y\nmodel g : X -> Y\n"
                    "goal one : x >> f = y\ngoal two : x >> g = y")  # fmt: skip
    html = ld.interpretations(task, pair)._repr_html_()
    assert "2 interpretations of diagram in diagram" in html and tags(html).count("th") == 3
    assert tags(html).count("tr") == 1 + 3 + 3 and "<code>g</code>" in html
    assert "0 interpretations" in ld.interpretations(pair, ld.Diagram("empty"))._repr_html_()
    assert "… 2 more" in functors_html("many", list(ld.interpretations(task, task)) * 10)


def test_what_is_large_has_tables_and_no_picture():
    d, P = ld.Diagram("Large"), Presentation("Large")
    for make in (d.objects, P.objects):
        make(*(f"A{i}" for i in range(300)))
    assert d._repr_svg_() is None and P._repr_svg_() is None
    assert "<svg" not in d._repr_html_() and "A100" in d._repr_html_()
    assert "<svg" not in P._repr_html_() and "…" in P._repr_html_()


def test_a_presentation_whose_names_no_diagram_has_is_shown_without_a_picture():
    P = Presentation("Reserved")
    P.objects("on")
    assert P._repr_svg_() is None and "<code>on</code>" in P._repr_html_()


def test_the_theory_shows_itself_without_numpy():
    script = (
        "import sys; sys.modules['numpy'] = None\n"
        "from learningdiagrams.theory import Presentation, Functor, pushout, identity\n"
        "P = Presentation('P'); A, B = P.objects('A', 'B'); f = P.morphism('f', A, B)\n"
        "F = Functor.identity(P)\n"
        "for value in (P, F, pushout(F, F), P.prove(f, f)):\n"
        "    assert '<table>' in value._repr_html_() and '<svg' not in value._repr_html_()\n"
        "assert 'mathrm' in f._repr_latex_()\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


# Diagrams and what is made of them ------------------------------------------------------------------------------


def test_goals_and_comparators_are_mathematics():
    d = ld.loads(TEXT)
    assert d.goals["soft"]._repr_latex_() == (
        r"$\displaystyle \mathrm{pixels} \mathbin{;} \mathrm{student} \approx \mathrm{pixels} \mathbin{;} "
        r"\mathrm{teacher} \qquad \text{soft}\quad \text{by } \mathrm{kl(temperature=4)}\text{ weight } \mathrm{0.7}$"
    )
    assert r"\text{accuracy}" in (d.measures["accuracy"]._repr_latex_() or "")
    stopped = d.goal("still", ld.stop(d["student"]), d["teacher"], by="mse", on=d["pixels"], train=["student"])
    assert r"\operatorname{stop}(\mathrm{student})" in (stopped._repr_latex_() or "")
    assert r"\text{on } \mathrm{pixels}\;\text{by } \mathrm{mse}\text{ moves } \mathrm{student}$" in (
        stopped._repr_latex_() or ""
    )
    assert list(FORMULAS) == list(COMPARATORS)
    for name in COMPARATORS:
        latex = ld.losses.comparator(name)._repr_latex_() or ""
        assert latex.startswith("$\\displaystyle") and latex.count("{") == latex.count("}")
    assert "T = \\mathrm{4}" in (ld.losses.kl(temperature=4)._repr_latex_() or "")
    assert ld.losses.comparator(lambda a, b: a)._repr_latex_() is None


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_reads_every_formula(graph: Presentation, tmp_path: Path):
    d = ld.loads(TEXT)
    d.goal("low_er", d["student"], ld.stop(d["teacher"]), by="huber", on=d["pixels"], train=["student"])
    proof = graph.prove(graph["inv"] >> graph["inv"] >> graph["src"], graph["src"])
    assert isinstance(proof, Proved)
    values = [
        *map(ld.losses.comparator, COMPARATORS), *d.goals.values(), *d.measures.values(), *graph.laws.values(),
        graph["inv"] & ld.drop(graph["E"]) & graph["src"], graph["E"] * graph["V"], proof.proof,
    ]  # fmt: skip
    body = "\n\n".join(value._repr_latex_() or "" for value in values)
    head = "\\documentclass{article}\\usepackage{amsmath,amssymb}\\begin{document}"
    (tmp_path / "formulas.tex").write_text(f"{head}\n{body}\n\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "formulas.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert run.returncode == 0, run.stdout[-2000:]


def test_diagrams_gluings_edits_plans_and_findings():
    d = ld.loads(TEXT)
    html = d._repr_html_()
    assert tags(html).count("svg") == 1 and "&lt;script&gt;" in html
    g = ld.glue(d, d, share=["pixels", "teacher"])
    rows = g._repr_html_()
    assert '<code>student_2</code></td><td style="text-align:left"></td>' in rows and tags(rows).count("svg") == 1
    edited = ld.edit(d, ld.editing.remove("soft"))
    assert "- goal" in edited._repr_html_() and "+ goal" not in edited._repr_html_().replace("+ goal    hard", "")
    for value in (d, g, edited, d.check(), d.prove("pixels >> student", "label"), ld.Interpretation.identity(d)):
        assert "script" not in tags(value._repr_html_())


def test_what_training_gives(data: dict[str, np.ndarray]):
    pytest.importorskip("torch")
    c = ld.loads(TEXT).compile(backend="torch", seed=0)
    history = c.fit(data, epochs=2, batch_size=6)
    assert c._repr_latex_().startswith("$$\n\\begin{aligned}")
    for value, svgs in (
        (history, 1), (c.residuals(data), 1), (c.examine(data), 1), (c.plan, 0), (c.loss(data), 0),
    ):  # fmt: skip
        found = tags(value._repr_html_())
        assert found.count("svg") == svgs and "script" not in found
    assert "<code>total</code>" in c.loss(data)._repr_html_()
    assert (history._repr_svg_() or "").startswith("<svg") and "<td" in history._repr_html_()


def test_a_loss_in_closed_form():
    pytest.importorskip("sympy")
    d = ld.loads("object S, X[1]\ndata x : S -> X\nmodel f : X -> X = affine(1, 1)\ngoal e : x >> f = x")
    c = d.compile(backend="sympy")
    assert "<code>total</code>" in c.loss()._repr_html_() and "<code>e</code>" in c.loss()._repr_html_()
    assert c._repr_latex_() == d.compile(backend="sympy")._repr_latex_() != ""


def test_what_is_printed_is_shown_as_text(graph: Presentation):
    d = ld.loads("object S, X\ndata x : S -> X\nmodel f : X -> X\ngoal e : x >> f = x")
    model = CSet(graph, {"V": ["<b>"], "E": 1}, {"src": ["<b>"], "inv": [0]})
    for value in (ld.prune(d), ld.order([d]), model):
        assert tags(value._repr_html_()) == ["div", "pre"]
    assert "&lt;b&gt;" in model._repr_html_()


def test_an_empty_and_a_long_history():
    assert "an empty history" in History()._repr_html_()
    long = History([{"step": i, "epoch": i, "stage": "training", "fit": 1 / i} for i in range(1, 51)])
    assert tags(long._repr_html_()).count("tr") == 1 + 20 and "the 30 rows before" in long._repr_html_()


# The live plot --------------------------------------------------------------------------------------------------


class Output:
    def __init__(self) -> None:
        self.bundles: list[dict[str, str]] = []

    def __call__(self, bundle: dict[str, str], raw: bool, display_id: bool) -> Output:
        assert raw and display_id
        self.bundles.append(bundle)
        return self

    def update(self, bundle: dict[str, str], raw: bool) -> None:
        assert raw
        self.bundles.append(bundle)


def test_the_plot_is_drawn_now_and_then_and_at_the_end():
    out, now = Output(), [0.0]
    with Plot(out, lambda: now[0]) as plot:
        plot.stage("distil", 100, 0)
        for step in range(1, 101):
            now[0] = step * PAUSE / 10
            plot.step()
            if step % 25 == 0:
                plot.log(step, {"<soft>": 1 / step})
        plot.epoch({"step": 100, "epoch": 1, "stage": "distil", "<soft>": 0.5, "accuracy": 0.75, "seconds": 2.0})
    assert len(out.bundles) == 1 + 10 + 1
    last = out.bundles[-1]
    assert last["text/plain"] == "distil, step 100, epoch 1: <soft> 0.01  accuracy 0.75"
    assert "distil, step 100 of 100 of the stage, epoch 1" in last["text/html"]
    assert "&lt;soft&gt;" in last["text/html"] and "<soft>" not in last["text/html"]
    assert tags(last["text/html"]).count("svg") == 1


def test_pictures_that_take_long_are_drawn_rarely():
    now = [0.0]

    class Slow(Output):
        def update(self, bundle: dict[str, str], raw: bool) -> None:
            super().update(bundle, raw)
            now[0] += 1.0

    out = Slow()
    with Plot(out, lambda: now[0]) as plot:
        for step in range(1, 101):
            plot.log(step, {"fit": 1.0})
            now[0] += 1.0
    taken = len(out.bundles) - 1
    assert 4 <= taken <= 2 + 100 / SHARE


def test_outside_a_notebook_progress_is_text(data: dict[str, np.ndarray], capfd: pytest.CaptureFixture[str]):
    pytest.importorskip("torch")
    assert not in_notebook()
    ld.loads(TEXT).compile(backend="torch", seed=0).fit(data, epochs=1, progress=True)
    assert capfd.readouterr().err.startswith("epoch 1, training: hard ")


CELLS = (
    f"import learningdiagrams as ld\nd = ld.loads({TEXT!r})\nd",
    "from learningdiagrams.theory import Presentation, identity\nP = Presentation('P')\n"
    "(E,) = P.objects('E')\ninv = P.morphism('inv', E, E)\nP.law(inv >> inv, identity(E))",
    "P.prove(inv >> inv >> inv, inv).proof",
    "from learningdiagrams.training.progress import display\n"
    "with display(True, 1) as plot:\n"
    "    plot.stage('training', 4, 0)\n"
    "    for step in range(1, 5):\n"
    "        plot.step()\n"
    "        plot.log(step, {'hard': 1 / step})\n"
    "    plot.epoch({'step': 4, 'epoch': 1, 'stage': 'training', 'hard': 0.5, 'accuracy': 0.25, 'seconds': 1.0})",
)


def test_in_a_real_kernel():
    pytest.importorskip("ipykernel")
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [cell.outputs for cell in notebook.cells]
    assert [len(found) for found in outputs] == [1] * len(CELLS)
    shown = [found[0]["data"] for found in outputs]
    assert "<svg" in shown[0]["text/html"] and shown[0]["image/svg+xml"].startswith("<svg")
    assert shown[1]["text/latex"].startswith("$\\displaystyle")
    assert shown[2]["text/latex"].startswith("\\begin{align*}") and "text/html" not in shown[2]
    assert "step 4 of 4" in shown[3]["text/html"] and "<svg" in shown[3]["text/html"]
    assert shown[3]["text/plain"] == "training, step 4, epoch 1: hard 0.25  accuracy 0.25"
