"""The text form, line by line, as the interface promises it: each test's docstring is the line that it checks."""

import math

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.diagram import RESERVED
from learningdiagrams.language.conversion import loads_json, write_json, write_python

EXAMPLE = """\
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
data  x : S -> A
data  y : S -> B
model f : A -> B = linear(3, 4)
model g : B -> A = linear(4, 3)
"""


@pytest.fixture(params=["torch", "jax"])
def backend(request):
    pytest.importorskip(request.param)
    return request.param


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def errors(text):
    with pytest.raises(ld.LanguageError) as caught:
        ld.loads(text, file="x.diagram")
    return str(caught.value).split("\n")


def terms(text, batch, backend, **options):
    """The terms of a text's goals on a batch, as numbers."""
    out = ld.loads(text).compile(backend=backend).loss(batch, **options)
    return {name: value.item() for name, value in out.terms.items()}


# The shape of a text -----------------------------------------------------------------------------------------


def test_the_example_is_read_and_is_its_own_text():
    """UTF-8, one declaration a line, blank lines are free."""
    assert str(ld.loads(EXAMPLE)) + "\n" == EXAMPLE


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace(" ", "\t"),
        lambda text: text.replace("\n", '   # goal ( [ "\n\n'),
        lambda text: text.replace("temperature=4", "\n  # T\n temperature = 4\n\n"),
        lambda text: text.replace("Image[64]", "Image[\n\n64\n]"),
    ],
    ids=["BOM", "CRLF", "tabs", "comments", "broken call", "broken shape"],
)
def test_blanks_comments_and_breaks_are_free(change):
    """A BOM, tabs and CRLF are read; `#` starts a comment; a line may be broken inside brackets."""
    assert ld.loads(change(EXAMPLE)) == ld.loads(EXAMPLE)


def test_a_file_of_any_of_these_is_read(tmp_path):
    """The same from a file, as bytes."""
    path = tmp_path / "x.diagram"
    path.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").replace(" ", "\t").encode())
    assert ld.load(path) == ld.loads(EXAMPLE)


def test_columns_count_characters():
    """Columns count characters: a BOM none, a tab one, a letter beyond ASCII one, CRLF none."""
    assert errors("\ufeffobjekt A") == ["x.diagram:1:1: there is no declaration `objekt`; did you mean `object`?"]
    found = errors("object A\r\nmap\tσ日 : A\t-> Q\r\nmap\t\tg : Q -> A")
    assert found == [
        "x.diagram:2:15: there is no object `Q`; there is A",
        "x.diagram:3:10: there is no object `Q`; there is A",
    ]


def test_a_line_is_broken_inside_brackets_only():
    """One declaration a line: a line that is broken elsewhere is one error, and so are two declarations in a line."""
    assert errors("object A\nmap f : A\n  -> A\n") == [
        "x.diagram:2:10: `->` is missing at the end; a declaration goes on in the next line only inside brackets"
    ]
    assert errors("object A object B") == [
        "x.diagram:1:10: `object` where `,` or `[` or a kind of number should be; "
        "each declaration has a line of its own"
    ]


# Declarations ------------------------------------------------------------------------------------------------


def test_title():
    """`diagram NAME`: an optional title, first if present."""
    assert ld.loads("# first\n\ndiagram Title\nobject A").name == "Title"
    assert ld.loads("object A").name == "diagram"
    assert errors("object A\ndiagram Late") == ["x.diagram:2:1: the title stands once, as the first declaration"]


def test_objects():
    """Brackets are the shape of one value: numbers or names; a word after it is the kind of number."""
    d = ld.loads("object A, B[28, 28], C[n, 64] int, D[] bool, E[n] float, F int")
    assert {name: (space.shape, space.dtype) for name, space in d.spaces.items()} == {
        "A": (None, "float"),
        "B": ((28, 28), "float"),
        "C": (("n", 64), "int"),
        "D": ((), "bool"),
        "E": (("n",), "float"),
        "F": (None, "int"),
    }


def test_a_name_in_a_shape_is_one_number(backend):
    """Names in shapes stand for one number wherever they occur: over maps when compiling, over data when they come."""
    text = "object S, A[3], B[n], C[n]\ndata x : S -> A\n"
    maps = "model f : A -> B = linear(3, 4)\nmodel g : A -> C = linear(3, 5)\ngoal a : (x >> f) & (x >> g) = z & w"
    with pytest.raises(
        ld.DiagramError, match=r"`g` gives \[5\], but C is declared \[n\] \(n is 4 by `f`, and 5 by `g`\)"
    ):
        ld.loads(text + "data z : S -> B\ndata w : S -> C\n" + maps).compile(backend=backend)
    fits = ld.loads(text + "data z : S -> B\ndata w : S -> C\n" + maps.replace("5", "4")).compile(backend=backend)
    assert math.isfinite(fits.loss({"x": random(2, 3), "z": random(2, 4), "w": random(2, 4)}).total.item())
    with pytest.raises(
        ld.DiagramError, match=r"`w` has values of shape \[5\], so that n in C\[n\] is 5, but it is 4 in `z`"
    ):
        fits.loss({"x": random(2, 3), "z": random(2, 4), "w": random(2, 5)})


@pytest.mark.parametrize("role", ["map", "data", "model", "frozen", "fixed"])
def test_roles(role):
    """`map`, `data`, `model`, `frozen`, `fixed`: a generator with that role; `noise` says what it draws."""
    d = ld.loads(f"object S, A\n{role} k : S -> A")
    assert d.roles["k"] == role and d["k"].dom is d["S"] and d["k"].cod is d["A"]


def test_a_batch_may_lack_a_sample_object(backend):
    """One batch of S at a time; a batch may lack a sample object, then its goals are left out of that step."""
    text = "object S, T, A[3]\ndata x : S -> A\ndata u : T -> A\nmodel f : A -> A = linear(3, 3)\n"
    text += "goal one : x >> f = x\ngoal two : u >> f = u\ngoal both : f = id(A) on x, u\n"
    x, u = random(5, 3), random(2, 3, seed=1)
    whole = terms(text, {"x": x, "u": u}, backend)
    assert list(whole) == ["one", "two", "both"]
    assert whole["both"] == pytest.approx((whole["one"] + whole["two"]) / 2, rel=1e-5)
    for name, batch in (("one", {"x": x}), ("two", {"u": u})):
        assert terms(text, batch, backend) == {name: pytest.approx(whole[name], rel=1e-6)}


def test_maps_receive_what_the_data_holds(backend):
    """Class numbers arrive at maps as whole numbers, truth values as truth values."""
    seen = {}
    text = "object S, N[] int, T[2] bool, R[2]\ndata n : S -> N\ndata t : S -> T\ndata r : S -> R\n"
    text += "fixed k : N * T -> R\ngoal g : (n & t) >> k = r"

    def k(n, t):
        seen.update(n=str(n.dtype), t=str(t.dtype))
        return t + 0.0

    batch = {"n": np.array([1, 2], np.int32), "t": np.array([[True, False]] * 2), "r": random(2, 2)}
    ld.loads(text).compile(backend=backend, maps={"k": k}).loss(batch)
    assert seen["n"].endswith(("int32", "int64")) and seen["t"].endswith("bool")


NOISE = """\
object S, A[3], Z[16], N[k, 2], P[3]
data  x : S -> A
noise z : S -> Z = normal(16)
noise n : S -> N = normal()
noise u : S -> A = uniform(3, low=-1)
noise w : S -> A = shuffle(x)
noise p : S -> A * P = normal
data  m : S -> N
model f : Z -> A = linear(16, 3)
goal same : z >> f = z >> f   by cross_entropy
goal far  : z >> f = w
goal rest : n = m
noise q : S -> A * P = normal
goal pair : p = q
"""


def test_noise():
    """`normal`, `uniform`, `shuffle`; for one seed the same numbers on every backend; one draw for a batch and name."""
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    batch = {"x": random(6, 3), "m": random(6, 5, 2)}
    drawn = []
    for name in ("torch", "jax"):
        compiled = ld.loads(NOISE).compile(backend=name, seed=3)
        drawn.append(
            [{k: np.asarray(v) for k, v in compiled.draw(batch, step).items() if k not in "pq"} for step in (0, 1)]
        )
    (torch0, torch1), (jax0, jax1) = drawn
    for one, two in ((torch0, jax0), (torch1, jax1)):
        assert all(np.array_equal(one[name], two[name]) for name in one)
    assert torch0["z"].shape == (6, 16) and torch0["n"].shape == (6, 5, 2)  # `normal()` takes the object's shape
    assert not np.array_equal(torch0["z"], torch1["z"]) and np.abs(torch0["u"]).max() <= 1
    assert sorted(map(tuple, torch0["w"])) == sorted(map(tuple, batch["x"]))  # permuted within the batch, by rows
    assert any(not np.array_equal(each["w"], batch["x"]) for each in (torch0, torch1))


def test_noise_into_a_product(backend):
    """A draw for each factor of a product."""
    p = ld.loads(NOISE).compile(backend=backend).draw({"x": random(6, 3), "m": random(6, 5, 2)}, 0)["p"]
    assert [tuple(part.shape) for part in p] == [(6, 3), (6, 3)]
    assert not np.array_equal(np.asarray(p[0]), np.asarray(p[1]))


def test_one_draw_however_often_it_occurs(backend):
    """One name is drawn once for a batch: both sides of a goal see the same noise."""
    text = "object S, Z[2]\ndata x : S -> Z\nnoise z : S -> Z = normal(2)\nmodel f : Z -> Z = linear(2, 2)\n"
    text += "goal g : z >> f & z = stop(z >> f) & z by l1"
    assert terms(text, {"x": random(4, 2)}, backend) == {"g": 0}


def test_ema(backend):
    """`= ema(m, decay=d)`: follows m by exponential moving average; receives no gradient."""
    text = BASE + "model e : A -> B = ema(f, decay=0.75)\ngoal fit : x >> f = x >> e\ngoal real : x >> f = y"
    compiled = ld.loads(text).compile(backend=backend)
    batch = {"x": random(8, 3), "y": random(8, 4, seed=1)}
    start = {k: np.asarray(v).copy() for k, v in compiled.parameters()["f"].items()}
    assert all(np.array_equal(start[k], v) for k, v in compiled.parameters()["e"].items())
    assert set(compiled.value_and_grad(batch)[1]) == {"f", "g"}
    compiled.fit(batch, steps=1, batch_size=8, optimizer="sgd", lr=0.5)
    after = compiled.parameters()
    for key, value in after["e"].items():
        expected = 0.75 * start[key] + 0.25 * np.asarray(after["f"][key])
        np.testing.assert_allclose(np.asarray(value), expected, rtol=1e-5, atol=1e-6)
        assert not np.allclose(np.asarray(after["f"][key]), start[key])


def test_laws():
    """`law [NAME :] p = q` holds exactly and is used by `prove`; unnamed laws are law0, law1 …"""
    d = ld.loads("object A\nmap i : A -> A\nmap j : A -> A\nlaw i >> i = id(A)\nlaw same : i = j\nlaw j >> i = id(A)")
    assert list(d.laws) == ["law0", "same", "law2"]
    assert d.prove("i >> j >> i", "j").holds is True
    # That compiling rewrites nothing by laws unless asked is for tests/test_rewriting.py.


def test_goals():
    """`goal NAME : p = q [on …] [by …] [weight …] [train …]`; without `by` it uses mse, without weight 1."""
    d = ld.loads(BASE + "goal a : x >> f = y\ngoal b : f >> g = id(A) on x, y >> g by l1 weight -0.5 train f, g")
    a, b = d.goals["a"], d.goals["b"]
    assert (str(a.by), a.weight, a.on, a.train) == ("mse", 1, (), None)
    assert (str(b.by), b.weight, [str(m) for m in b.on], b.train) == ("l1", -0.5, ["x", "y >> g"], ("f", "g"))
    assert errors(BASE + "goal b : f >> g = id(A)") == [
        "x.diagram:6:1: goal `b`: its sides start at A, which carries no data; "
        "say along which morphisms it is sampled: on x"
    ]


def test_weights(backend):
    """`weight` is a number or a schedule, `linear(0, 1, steps=…)` or `cosine(1, 0, steps=…)`, of the step."""
    text = BASE + "goal a : x >> f = y weight linear(0, 1, steps=10)\ngoal b : y >> g = x weight cosine(1, 0, steps=10)"
    compiled = ld.loads(text).compile(backend=backend)
    batch = {"x": random(8, 3), "y": random(8, 4, seed=1)}
    for step, first, second in ((0, 0, 1), (5, 0.5, 0.5), (10, 1, 0), (99, 1, 0)):
        out = compiled.loss(batch, step=step)
        expected = first * out.terms["a"].item() + second * out.terms["b"].item()
        assert out.total.item() == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_train(backend):
    """`train`: this goal moves those models only; gradients pass through the others without moving them."""
    batch = {"x": random(8, 3), "y": random(8, 4, seed=1)}
    free = ld.loads(BASE + "goal a : x >> f >> g = x").compile(backend=backend).value_and_grad(batch)[1]
    kept = ld.loads(BASE + "goal a : x >> f >> g = x train f").compile(backend=backend).value_and_grad(batch)[1]
    for key in free["f"]:
        np.testing.assert_allclose(np.asarray(kept["f"][key]), np.asarray(free["f"][key]), rtol=1e-5, atol=1e-7)
        assert np.abs(np.asarray(free["f"][key])).max() > 0
    assert all(not np.asarray(v).any() for v in kept["g"].values())
    assert any(np.asarray(v).any() for v in free["g"].values())


def test_a_goal_out_of_1(backend):
    """A goal out of `1` is evaluated once, without data; a `model` out of `1` is a learned constant."""
    text = "object A[2]\nmodel c : 1 -> A = constant(3.0, 2)\nfixed k : 1 -> A = constant(1.0, 2)\n"
    text += "model f : A -> A = linear(2, 2, bias=False)\ngoal g : c = k"
    compiled = ld.loads(text).compile(backend=backend)
    assert compiled.loss({}).terms["g"].item() == pytest.approx(4)
    grads = compiled.value_and_grad({})[1]
    assert np.asarray(next(iter(grads["c"].values()))) == pytest.approx(np.array([2.0, 2.0]))
    assert tuple(compiled.apply("c").shape) == (2,)


def test_measures(backend):
    """`measure NAME : p = q [on …] by COMPARATOR` is reported in evaluation, never trained."""
    text = BASE + "goal a : x >> f = y\nmeasure m : f >> g = id(A) on x by r2"
    compiled = ld.loads(text).compile(backend=backend)
    batch = {"x": random(8, 3), "y": random(8, 4, seed=1)}
    assert list(compiled.loss(batch).terms) == ["a"] and set(compiled.evaluate(batch)) == {"a", "m"}
    assert errors(BASE + "measure m : x >> f = y") == [
        "x.diagram:6:1: measure `m` does not say by what it measures; add `by accuracy`, `by mse` …"
    ]
    assert errors(BASE + "goal m : x >> f = y by accuracy") == [
        "x.diagram:6:24: goal `m`: `accuracy` is for measures only; a goal needs a comparator with a gradient"
    ]


def test_stages():
    """`stage NAME : train … by … [epochs n | steps n]`; stages run in the order written."""
    text = BASE + "goal a : x >> f = y\ngoal b : y >> g = x\n"
    d = ld.loads(
        text + "stage two : train f, g by a, b steps 3\nstage one : by a train f epochs 5\nstage z : train g by b"
    )
    assert [(s.name, s.train, s.by, s.epochs, s.steps) for s in d.stages.values()] == [
        ("two", ("f", "g"), ("a", "b"), None, 3),
        ("one", ("f",), ("a",), 5, None),
        ("z", ("g",), ("b",), None, None),
    ]


def test_styles():
    """`style NAME at=(0, 1), label="\\sigma", curve=2, colour="#c33"` of an object, generator, goal or law."""
    text = BASE + "law l : f = f\ngoal a : x >> f = y\n"
    text += "".join(f'style {name} at=(0, -1.5), label="\\sigma", curve=2, colour="#c33"\n' for name in "Afla")
    style = ld.loads(text).styles["f"]
    assert (style.at, style.label, style.curve, style.colour) == ((0, -1.5), r"\sigma", 2, "#c33")
    assert list(ld.loads(text).styles) == ["A", "f", "l", "a"]


def test_realisations(tmp_path):
    """`= SPEC` is what realises a generator; paths are relative to the file; reading runs no code that it names."""
    np.savez(tmp_path / "d.npz", images=random(4, 3))
    (tmp_path / "x.diagram").write_text(
        'object S, A[3], L\ndata x : S -> A = npz("d.npz", "images")\nmodel c : 1 -> A = constant(1.0)\n'
        'data l : S -> L = sklearn("digits", "target")\nmodel f : A -> A = mlp(3, 8, 3)\n'
        'frozen t : A -> A = torch("no_such_module:Student", width=32)\ngoal g : x >> f = x\n',
        encoding="utf-8",
    )
    d = ld.load(tmp_path / "x.diagram")
    assert {name: str(made) for name, made in d.specs.items()} == {
        "x": 'npz("d.npz", "images")',
        "c": "constant(1)",
        "l": 'sklearn("digits", "target")',
        "f": "mlp(3, 8, 3)",
        "t": 'torch("no_such_module:Student", width=32)',
    }
    assert d.directory == tmp_path


# Objects and expressions -------------------------------------------------------------------------------------


def test_products_and_1():
    """Products are associative and written flat; `1` is their unit."""
    d = ld.loads("object A, B\nmap f : A * (B * A) -> (1 * B)\nmap c : 1 -> 1 * 1")
    assert (str(d["f"].dom), str(d["f"].cod), str(d["c"].cod)) == ("A * B * A", "B", "1")


@pytest.mark.parametrize(
    ("text", "bracketed"),
    [
        ("x >> f & y", "(x >> f) & y"),
        ("x & y >> g", "x & (y >> g)"),
        ("(x & y) >> f @ g", "(x & y) >> (f @ g)"),
        ("x @ y >> f @ g", "(x @ y) >> (f @ g)"),
        ("x >> f >> g", "x >> (f >> g)"),
        ("x & y & x", "x & (y & x)"),
        ("f @ g @ f", "f @ (g @ f)"),
    ],
)
def test_signs_loosest_first(text, bracketed):
    """Loosest first: `&`, `>>`, `@`; each is associative."""
    d = ld.loads(BASE)
    assert d.parse(text) == d.parse(bracketed)


def test_what_expressions_mean(backend):
    """`id`, `proj` (from 0), `drop`, `stop`, `&`, `@`, `>>`, in values: a map out of `A * B` is called with an argument
    for each factor, a map into `A * B` returns a tuple.
    """
    text = BASE + "fixed swap : A * B -> B * A\nfixed one : 1 -> A\ngoal a : x >> f = y"
    maps = {"swap": lambda a, b: (b, a), "one": lambda: ones}
    ones = np.ones(3, np.float32)
    if backend == "torch":
        import torch

        ones = torch.from_numpy(ones)
    compiled = ld.loads(text).compile(backend=backend, maps=maps)
    a, b = random(5, 3), random(5, 4, seed=1)

    def apply(expression, *arguments):
        made = compiled.apply(expression, *arguments)
        return [np.asarray(part.detach() if backend == "torch" else part) for part in
                (made if isinstance(made, tuple) else (made,))]  # fmt: skip

    assert all(map(np.array_equal, apply("x & y", a, b), (a, b)))
    assert all(map(np.array_equal, apply("swap", a, b), (b, a)))
    assert all(map(np.array_equal, apply("swap >> proj(B * A, 1)", a, b), (a,)))
    assert all(map(np.array_equal, apply("id(A) @ id(B)", a, b), (a, b)))
    assert all(map(np.array_equal, apply("stop(x >> f)", a), apply("x >> f", a)))
    assert np.array_equal(apply("drop(S) >> one")[0].reshape(-1)[:3], np.ones(3))


def test_stop(backend):
    """`stop(p)`: the same morphism; no gradient passes."""
    batch = {"x": random(8, 3), "y": random(8, 4, seed=1)}
    grads = ld.loads(BASE + "goal a : stop(x >> f) >> g = x").compile(backend=backend).value_and_grad(batch)[1]
    assert not any(np.asarray(v).any() for v in grads["f"].values())
    assert all(np.asarray(v).any() for v in grads["g"].values())


# Names -------------------------------------------------------------------------------------------------------


def test_names():
    """Names are Unicode identifiers, normalised (NFKC) as in Python; a keyword is a whole word (`goalg` is none)."""
    d = ld.loads(
        "object A, goalg\nmap ﬁx : A -> A\nmap σ_日本 : A -> goalg\nmap lambda : A -> A\nlaw fix >> lambda = ﬁx"
    )
    assert list(d.generators) == ["fix", "σ_日本", "lambda"]


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_reserved_words(word):
    """The declaration words and `on by weight train epochs steps id proj drop stop` are reserved."""
    assert len(RESERVED) == 23
    assert (
        f"x.diagram:2:5: `{word}` is a word of the language; write another name, such as `{word}_`"
        in (errors(f"object A\nmap {word} : A -> A")[0])
    )
    assert f"{word}s" in ld.loads(f"object A\nmap {word}s : A -> A".replace("stepss", "stepss")) or word == "epoch"


def test_one_namespace_and_names_before_use():
    """One namespace for a diagram, names declared before use; names that look alike are refused."""
    assert errors("object A\nmap A : A -> A\nlaw f = f\nmap f : A -> A\nmap а : A -> A\nobject a") == [
        "x.diagram:2:5: `A` is declared twice; it stands in line 1 already as an object",
        "x.diagram:3:5: `f` is declared only in line 4; a name is declared before it is used",
        "x.diagram:3:9: `f` is declared only in line 4; a name is declared before it is used",
        "x.diagram:6:8: `a` looks like `а` of line 5: letter 1 of `а` is CYRILLIC SMALL LETTER A",
    ]


def test_what_python_built_is_read_back():
    """The text form of a diagram built in Python, read back, is the same diagram; so are JSON and the script."""
    d = ld.Diagram("everything, in Python")
    S, T, A, B = d.object("S"), d.object("T"), d.object("A", (3,)), d.object("B", ("n", 2), "int")
    x, u = d.data("x", S, A, 'npz("a \\"b\\".npz", "k")'), d.data("u", T, A * B)
    f, g = d.model("lambda", A, A, ld.layers.mlp(3, 8, 3)), d.frozen("class", A * B, A)
    c, e = d.model("c", d.unit, A), d.ema("e", of="lambda", decay=0.5)
    z = d.noise("z", S, A, ld.specs.uniform(3, low=-1))
    w = d.noise("w", S, A, ld.specs.shuffle("x"))
    d.fixed("k", A, A, 'torch("m:N", flag=True, none=None, sizes=(1, (2.5,)))')
    d.law(f >> e, e >> f)
    d.law((ld.proj(A * B, 1) & ld.proj(A * B, 0)) >> ld.proj(B * A, 1) >> ld.drop(A), ld.drop(A * B), "nothing")
    d.goal("a", x >> f, ld.stop(w >> e), by=ld.losses.huber(0.5), weight=ld.schedules.linear(0, 1, steps=10))
    d.goal("b", f, e, on=[x, z >> f, u >> g], by="kl(temperature=4)", weight=-1e-9, train=[f])
    d.goal("d", c, c >> f)
    d.measure("m", u >> g, u >> ld.proj(A * B, 0), by=ld.losses.top(k=3))
    d.stage("s", train=[f, "c"], by=["a", "b"], steps=7)
    d.style("S", at=(0, -1.5), label='\\sigma "1"\n', curve=2, colour="#c33")
    assert ld.loads(str(d)) == d and str(ld.loads(str(d))) == str(d)
    assert loads_json(write_json(d)) == d
    names = {}
    exec(write_python(d), names)
    assert names["diagram"] == d


# Comparators -------------------------------------------------------------------------------------------------

LOG3 = math.log(3)
SOFT = math.log1p(math.exp(-2))
VALUES = [
    ("mse", [[1, -2], [0.5, 4]], [[0, 1], [0.5, 1]], 19 / 4),
    ("l1", [[1, -2], [0.5, 4]], [[0, 1], [0.5, 1]], 7 / 4),
    ("huber", [[1, -2], [0.5, 4]], [[0, 1], [0.5, 1]], (0.5 + 2.5 + 2.5) / 4),
    ("huber(delta=2)", [[1, -2], [0.5, 4]], [[0, 1], [0.5, 1]], (0.5 + 4 + 4) / 4),
    ("bce", [[0, LOG3]], [[0.5, 0]], (math.log(2) + math.log(4)) / 2),
    ("cross_entropy", [[0, LOG3], [0, 0]], [[0.5, 0.5], [1, 0]], (math.log(16 / 3) / 2 + math.log(2)) / 2),
    ("kl", [[0, 0]], [[0, LOG3]], 0.25 * math.log(0.5) + 0.75 * math.log(1.5)),
    ("kl(temperature=2)", [[0, 0]], [[0, 2 * LOG3]], 4 * (0.25 * math.log(0.5) + 0.75 * math.log(1.5))),
    ("cosine", [[3, 0], [2, 0]], [[1, 1], [-1, 0]], (1 - math.sqrt(0.5) + 2) / 2),
    ("info_nce(temperature=0.5)", [[2, 0], [0, 3]], [[1, 0], [0, 1]], SOFT),
    ("info_nce", [[2, 0]], [[1, 1]], 0),
    ("accuracy", [[0.1, 0.9], [0.8, 0.2]], [[0.3, 0.7], [0.2, 0.8]], 0.5),
    ("top(k=1)", [[0.1, 0.9], [0.8, 0.2]], [[0.3, 0.7], [0.2, 0.8]], 0.5),
    ("r2", [[2, 1], [2, 2], [3, 3]], [[1, 1], [2, 2], [3, 3]], 0.75),
    ("retrieval", [[2, 0.1], [0.1, 3], [1, 1]], [[1, 0], [0, 1], [0, 2]], 2 / 3),
    ("retrieval(k=2)", [[2, 0.1], [0.1, 3], [1, 1.1]], [[1, 0], [0, 1], [0, 2]], 1),
]


def test_comparators_by_hand(backend):
    """Each comparator and measure has the value worked out by hand, through a diagram, on both backends."""
    text, batch = "", {}
    for i, (by, left, right, _) in enumerate(VALUES):
        text += f"object S{i}, A{i}\ndata p{i} : S{i} -> A{i}\ndata q{i} : S{i} -> A{i}\n"
        text += f"measure m{i} : p{i} = q{i} by {by}\n"
        batch.update({f"p{i}": np.array(left, np.float32), f"q{i}": np.array(right, np.float32)})
    found = ld.loads(text).compile(backend=backend).evaluate(batch)
    for i, (by, *_, value) in enumerate(VALUES):
        assert found[f"m{i}"] == pytest.approx(value, rel=1e-5, abs=1e-6), by


CLASSES = "object S, A, B\ndata x : S -> A\ndata y : S -> B\nmodel f : A -> B\n"


def measured(text, batch, backend, maps=None):
    return ld.loads(text).compile(backend=backend, maps=maps or {"f": lambda x: x}).evaluate(batch)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int64"])
def test_class_numbers_are_one_hot(backend, kind):
    """Whole numbers (any integer type) without the last axis stand for one-hot values of an object."""
    text = CLASSES.replace("model f", "fixed f").replace("A, B", "A, B[4]")
    names = ("mse", "l1", "huber", "bce", "cross_entropy", "accuracy", "top(k=2)")
    text += "".join(f"measure m{i} : x >> f = y by {by}\n" for i, by in enumerate(names))
    text += "measure left : y = x >> f by mse\n"
    x, y = random(5, 4), np.array([0, 1, 2, 3, 3])
    assert measured(text, {"x": x, "y": y.astype(kind)}, backend) == pytest.approx(
        measured(text, {"x": x, "y": np.eye(4, dtype=np.float32)[y]}, backend), rel=1e-5
    )


@pytest.mark.parametrize("wrong", [-1, 4])
def test_class_numbers_out_of_range(backend, wrong):
    """Outside 0…C−1 they are an error, NaN where a compiled step cannot raise."""
    d = ld.loads(BASE + "goal a : x >> f = y by cross_entropy")
    c, y = d.compile(backend=backend), np.array([0, wrong, 3])
    with pytest.raises(ld.DiagramError, match=f"`y`: {wrong} is no class number"):
        c.loss({"x": random(3, 3), "y": y})
    try:
        value = c.loss({"x": random(3, 3), "y": c.maps.array(y)}).total.item()
    except ld.DiagramError as error:
        assert f"{wrong} is no class number; with 4 classes they are 0…3" in str(error)
    else:
        assert math.isnan(value)


@pytest.mark.parametrize("by", ["kl", "cosine", "info_nce", "retrieval"])
def test_comparators_that_read_no_class_numbers(backend, by):
    """Comparators that cannot read class numbers refuse."""
    text = CLASSES.replace("model f", "fixed f") + f"measure m : x >> f = y by {by}"
    with pytest.raises(ld.DiagramError, match=r"measure `m` \(x >> f = y\).*reads no class numbers"):
        measured(text, {"x": random(3, 4), "y": np.array([0, 1, 2])}, backend)


@pytest.mark.parametrize("by", ["mse", "l1", "huber", "bce"])
def test_whole_numbers_of_the_full_shape_are_cast(backend, by):
    """Whole numbers of the full shape are cast for `mse`, `l1`, `huber`, `bce`."""
    text = CLASSES.replace("model f", "fixed f") + f"measure m : x >> f = y by {by}"
    x, y = random(2, 3), np.array([[0, 1, 1], [1, 0, 1]])
    assert measured(text, {"x": x, "y": y}, backend) == pytest.approx(
        measured(text, {"x": x, "y": y.astype(np.float32)}, backend), rel=1e-6
    )


@pytest.mark.parametrize("by", ["cross_entropy", "kl", "accuracy", "top(k=1)"])
def test_a_last_axis_of_1_is_refused(backend, by):
    """A last axis of 1 is refused for `cross_entropy`, `kl`, `accuracy`, `top`: when compiling where it is declared."""
    text = CLASSES.replace("model f", "fixed f").replace("A, B", "A[1], B[1]") + f"measure m : x >> f = y by {by}"
    with pytest.raises(ld.DiagramError, match=r"measure `m`: .* compares classes along the last axis"):
        ld.loads(text).compile(backend=backend, maps={"f": lambda x: x})
    with pytest.raises(ld.DiagramError, match=r"measure `m` .*two classes at least on the last axis, and it is 1 long"):
        measured(text.replace("[1]", ""), {"x": random(3, 1), "y": random(3, 1)}, backend)


@pytest.mark.parametrize("by", ["cross_entropy", "kl(temperature=2)", "cosine", "mse"])
def test_further_axes_count_as_rows(backend, by):
    """`cross_entropy`, `kl` and `cosine` average over the batch and every other axis."""
    text = CLASSES.replace("model f", "fixed f") + f"measure m : x >> f = y by {by}"
    x, y = random(2, 3, 5), np.abs(random(2, 3, 5, seed=1))
    flat = {"x": x.reshape(6, 5), "y": y.reshape(6, 5)}
    assert measured(text, {"x": x, "y": y}, backend) == pytest.approx(measured(text, flat, backend), rel=1e-5)


def test_r2_and_retrieval_are_taken_over_all_data(backend):
    """`r2` is the plain mean over columns, computed over all data, never a mean of batches; so is `retrieval`."""
    text = CLASSES.replace("model f", "fixed f") + "measure a : x >> f = y by r2\nmeasure b : x >> f = y by retrieval\n"
    x = random(9, 3)
    y = x + random(9, 3, seed=1)
    compiled = ld.loads(text).compile(backend=backend, maps={"f": lambda x: x})
    whole = compiled.evaluate({"x": x, "y": y})
    r2 = np.mean(1 - ((y - x) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0))
    assert whole["a"] == pytest.approx(r2, rel=1e-4)
    assert compiled.evaluate({"x": x, "y": y}, batch_size=4) == pytest.approx(whole, rel=1e-5)


def test_a_product_is_the_mean_over_its_factors(backend):
    """A product as codomain: the mean over its factors, whatever their sizes."""
    text = BASE + "goal whole : (x >> f) & (y >> g) = y & x\ngoal a : x >> f = y\ngoal b : y >> g = x"
    found = terms(text, {"x": random(5, 3), "y": random(5, 4, seed=1)}, backend)
    assert found["whole"] == pytest.approx((found["a"] + found["b"]) / 2, rel=1e-5)


def test_several_on_are_the_mean_of_their_values(backend):
    """Several `on`: the mean of their values, however many rows each has."""
    text = "object S, T, A[3]\ndata x : S -> A\ndata u : T -> A\nmodel f : A -> A = linear(3, 3)\n"
    text += "goal both : f = id(A) on x, u\ngoal a : f = id(A) on x\ngoal b : f = id(A) on u"
    found = terms(text, {"x": random(7, 3), "u": random(2, 3, seed=1)}, backend)
    assert found["both"] == pytest.approx((found["a"] + found["b"]) / 2, rel=1e-5)


# Shapes ------------------------------------------------------------------------------------------------------


def test_sides_whose_shapes_differ(backend):
    """Two sides whose shapes differ are an error naming the goal, both paths and both shapes; nothing is broadcast."""
    text = "object S, A, B\ndata x : S -> A\nfixed f : A -> B = linear(3, 4)\nfixed g : A -> B = linear(3, 1)\n"
    text = text.replace("fixed", "frozen") + "measure m : x >> f = x >> g by mse"
    with pytest.raises(ld.DiagramError) as caught:
        ld.loads(text.replace(" A,", " A[3],")).compile(backend=backend)
    assert str(caught.value) == "measure `m`: its sides have two shapes: `x >> f` is [4], but `x >> g` is [1]"
    with pytest.raises(ld.DiagramError, match=r"^measure `m`: .*`x >> f` is \[…, 4\], but `x >> g` is \[…, 1\]$"):
        ld.loads(text).compile(backend=backend)
    linear = pytest.importorskip("torch").nn.Linear
    c = ld.loads(text).compile(backend=backend, maps={"f": linear(3, 4), "g": linear(3, 1)})
    with pytest.raises(ld.DiagramError, match=r"`m` .*x >> f.*x >> g.*\(2, 4\).*\(2, 1\)"):
        c.evaluate({"x": random(2, 3)})


def test_shapes_are_checked_when_compiling(backend):
    """A map's output is unified with its declared codomain, before any data, also where both sides are wrong alike."""
    text = BASE.replace("linear(3, 4)", "linear(3, 5)") + "goal a : x >> f = x >> f by cross_entropy"
    with pytest.raises(ld.DiagramError, match=r"goal `a`, at x >> f: `f` gives \[5\], but B is declared \[4\]"):
        ld.loads(text).compile(backend=backend)


# Errors ------------------------------------------------------------------------------------------------------


def test_all_errors_of_a_text_in_one_run():
    """All errors, sorted by place, a line each: `FILE:LINE:COLUMN: what is wrong, and what would be right`."""
    text = (
        "object S, A[3], B[0]\ndata x : S -> A\nmodle net : A -> A\nmodel f : A -> Q = mpl(3)\n"
        "goal g : x >> net = xx by kll\ngoal h : x >> x = x weight high\nstage s : train x by hh epochs 0\n"
    )
    assert errors(text) == [
        "x.diagram:1:19: object `B`: an axis is a number ≥ 1 or a name, not 0",
        "x.diagram:3:1: there is no declaration `modle`; did you mean `model`?",
        "x.diagram:4:16: there is no object `Q`; there are S, A",
        "x.diagram:4:20: there is no realisation `mpl`; did you mean `mlp`?",
        "x.diagram:5:21: there is no map `xx`; did you mean `x`?",
        "x.diagram:5:27: there is no comparator `kll`; did you mean `kl`?",
        "x.diagram:6:15: `x` ends at A, but `x` starts at S",
        "x.diagram:6:28: there is no schedule `high`; there are constant, linear, cosine",
        "x.diagram:7:17: `x` is data; only a model is trained",
        "x.diagram:7:22: there is no goal `hh`",
    ]
    # Every message there is, and its place: tests/test_language_errors.py.
