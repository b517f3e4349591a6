"""What compile() returns, on every backend: the same numbers, the same errors."""

import sys

import numpy as np
import pytest

import learningdiagrams as ld
from learningdiagrams.errors import DiagramError

RNG = np.random.default_rng(0)
BATCH = {"pixels": RNG.normal(size=(8, 6)), "label": RNG.integers(4, size=8)}


def distillation(**maps):
    d = ld.Diagram("Distillation")
    d.object("Sample")
    d.object("Image", (6,))
    d.object("Logits", (4,))
    d.data("pixels", d["Sample"], d["Image"])
    d.data("label", d["Sample"], d["Logits"])
    d.frozen("teacher", d["Image"], d["Logits"], maps.get("teacher", "mlp(6, 8, 4)"))
    d.model("student", d["Image"], d["Logits"], maps.get("student", "mlp(6, 5, 4)"))
    d.goal("hard", "pixels >> student", "label", by="cross_entropy")
    d.goal("soft", "pixels >> student", "pixels >> teacher", by="kl(temperature=4)", weight=0.7)
    d.measure("accuracy", "pixels >> student", "label", by="accuracy")
    return d


def host(value):
    return np.asarray(value.detach() if hasattr(value, "detach") else value)


def test_total_is_the_weighted_sum_of_unweighted_terms(backend):
    out = distillation().compile(backend=backend).loss(BATCH)
    terms = {name: term.item() for name, term in out.terms.items()}
    assert list(terms) == ["hard", "soft"]
    assert out.total.item() == pytest.approx(terms["hard"] + 0.7 * terms["soft"], rel=1e-6)


def test_backends_start_from_the_same_numbers_and_agree():
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    one, two = (distillation().compile(backend=name, seed=3, dtype="float64") for name in ("torch", "jax"))
    assert one.loss(BATCH).total.item() == pytest.approx(two.loss(BATCH).total.item(), rel=1e-12)
    (_, mine), (_, theirs) = one.value_and_grad(BATCH), two.value_and_grad(BATCH)
    assert list(mine) == list(theirs) == ["student"]
    for name, gradient in mine["student"].items():
        np.testing.assert_allclose(host(gradient), host(theirs["student"][name]), rtol=1e-9, atol=1e-12)


def test_value_and_grad_is_the_derivative(backend):
    c = distillation().compile(backend=backend, dtype="float64")
    value, gradients = c.value_and_grad(BATCH)
    assert np.ndim(host(value)) == 0
    numbers = c.parameters()
    weight = host(numbers["student"]["0.weight"]).copy()
    for place in ((0, 0), (4, 5)):
        values = []
        for shift in (1e-5, -1e-5):
            moved = weight.copy()
            moved[place] += shift
            c.load_parameters({"student": {"0.weight": moved}})
            values.append(c.loss(BATCH).total.item())
        slope = (values[0] - values[1]) / 2e-5
        assert host(gradients["student"]["0.weight"])[place] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_parameters_are_a_snapshot_of_every_map(backend):
    c = distillation().compile(backend=backend)
    before = c.parameters()
    assert set(before) == {"teacher", "student"}
    assert set(before["student"]) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    kept = host(before["student"]["0.weight"]).copy()
    c.fit(BATCH, epochs=3, lr=0.1)
    np.testing.assert_array_equal(host(before["student"]["0.weight"]), kept)
    after = c.parameters()
    assert not np.array_equal(host(after["student"]["0.weight"]), kept)
    np.testing.assert_array_equal(host(after["teacher"]["0.weight"]), host(before["teacher"]["0.weight"]))
    c.load_parameters(before)
    np.testing.assert_array_equal(host(c.parameters()["student"]["0.weight"]), kept)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({"studnet": {}}, r"`studnet`; did you mean `student`\?"),
        ({"student": {"0.wieght": np.zeros((5, 6))}}, r"`0.wieght`; did you mean `0.weight`\?"),
        ({"student": {"0.weight": np.zeros((5, 7))}}, r"5, 6.*5, 7|5, 7.*5, 6"),
        (
            {"student": {"0.bias": np.zeros(5, complex)}},
            r"0\.bias is real numbers, and the one given holds complex128$",
        ),
        (
            {"student": np.zeros(5)},
            r"^`student`: numbers are given as {generator: {parameter: array}}, not as ndarray$",
        ),
        ([1.0], r"^numbers are given as {generator: {parameter: array}}, not as list$"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(backend, numbers, text):
    with pytest.raises(DiagramError, match=text):
        distillation().compile(backend=backend).load_parameters(numbers)


def test_apply_runs_any_morphism(backend):
    c = distillation().compile(backend=backend)
    logits = host(c.apply("pixels >> student", BATCH["pixels"]))
    assert logits.shape == (8, 4)
    np.testing.assert_array_equal(logits, host(c.apply("student", BATCH["pixels"])))
    np.testing.assert_array_equal(logits, host(c.apply("pixels >> student", {"pixels": BATCH["pixels"]})))
    pair = c.apply("student & teacher", BATCH["pixels"])
    assert len(pair) == 2
    np.testing.assert_array_equal(host(pair[0]), logits)
    swapped = c.apply(
        "(proj(Image * Image, 1) & proj(Image * Image, 0)) >> student @ teacher", BATCH["pixels"], -BATCH["pixels"]
    )
    np.testing.assert_array_equal(host(swapped[1]), host(pair[1]))
    with pytest.raises(DiagramError, match=r"^`pixels >> student` takes values for pixels: 1 in all, 2 given$"):
        c.apply("pixels >> student", BATCH["pixels"], BATCH["label"])
    with pytest.raises(DiagramError, match=r"^`student` takes one value for each factor of Image: 1 in all, 0 given$"):
        c.apply("student")


def test_a_learned_constant_has_no_batch_axis(backend):
    d = ld.Diagram()
    d.object("A", (3,))
    c, k = d.model("c", d.unit, d["A"], "constant((1, 2, 3))"), d.fixed("k", d.unit, d["A"], "constant((0, 0, 0))")
    d.goal("g", c, k, by="mse")
    compiled = d.compile(backend=backend)
    assert host(compiled.apply("c")).shape == (3,)
    assert compiled.loss({}).total.item() == pytest.approx(14 / 3)
    compiled.fit({}, steps=500, lr=0.1)
    assert np.abs(host(compiled.apply("c"))).max() < 1e-2
    assert compiled.residuals({})["g"] < 1e-3


def test_repeats_share_their_parameters(backend):
    """The trap in Para: the gradient at e >> e is the sum over two untied copies."""

    def build(names):
        d = ld.Diagram()
        d.object("S")
        d.object("A", (3,))
        path = d.data("x", d["S"], d["A"])
        made = {name: d.model(name, d["A"], d["A"], "linear(3, 3)") for name in dict.fromkeys(names)}
        for name in names:
            path = path >> made[name]
        d.goal("same", path, d["x"])
        return d.compile(backend=backend, dtype="float64")

    batch = {"x": RNG.normal(size=(5, 3))}
    tied, untied = build("ee"), build("fg")
    numbers = tied.parameters()["e"]
    untied.load_parameters({"f": numbers, "g": numbers})
    (value, once), (other, twice) = tied.value_and_grad(batch), untied.value_and_grad(batch)
    assert float(host(value)) == pytest.approx(float(host(other)), rel=1e-12)
    for name, gradient in once["e"].items():
        np.testing.assert_allclose(host(gradient), host(twice["f"][name]) + host(twice["g"][name]), rtol=1e-10)


def test_missing_maps_are_all_named():
    d = distillation()
    bare = ld.loads(str(d).replace("= mlp(6, 8, 4)", "").replace("= mlp(6, 5, 4)", ""))
    with pytest.raises(DiagramError) as error:
        bare.compile()
    right = "write one in the diagram, such as = mlp(64, 32, 10), or in Python give"
    assert str(error.value).splitlines() == [
        f"`student` has no realisation; {right} maps={{'student': …}}",
        f"`teacher` has no realisation; {right} maps={{'teacher': …}}",
    ]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"backend": "pytorch"},
            "there is no backend `pytorch`; did you mean `torch`?; backends are torch, jax, sympy",
        ),
        ({"dtype": "float23"}, "there is no dtype 'float23'; did you mean `float32`?; dtypes are float32 and float64"),
        ({"seed": 1.5}, "seed is a whole number, not 1.5"),
        ({"seed": True}, "seed is a whole number, not True"),
        ({"seed": 2**62}, "seed is a whole number of at most 62 bits, not 4611686018427387904"),
        ({"maps": {"studnet": None}}, "maps: there is no generator `studnet`; did you mean `student`?"),
        (
            {"maps": {"pixels": None}},
            "maps: `pixels` is data, which arrives with each batch and is no map to be given here",
        ),
    ],
)
def test_wrong_options_are_errors(options, text):
    with pytest.raises(DiagramError) as error:
        distillation().compile(**options)
    assert str(error.value) == text


def test_a_wrong_width_is_an_error_when_compiling(backend):
    with pytest.raises(
        DiagramError, match=r"^goal `hard`, at pixels >> student: `student` gives \[7\], but Logits is declared \[4\]$"
    ):
        distillation(student="mlp(6, 5, 7)").compile(backend=backend)


def test_a_batch_may_lack_a_sample_object_but_not_half_of_it(backend):
    d = distillation()
    d.objects("Other")
    d.data("more", d["Other"], d["Image"])
    d.goal("extra", "more >> student", "more >> teacher", by="mse")
    c = d.compile(backend=backend)
    assert list(c.loss(BATCH).terms) == ["hard", "soft"]
    assert list(c.loss({"more": BATCH["pixels"]}).terms) == ["extra"]
    assert list(c.loss({**BATCH, "more": BATCH["pixels"][:3]}).terms) == ["hard", "soft", "extra"]
    with pytest.raises(DiagramError, match=r"^the batch lacks `label`, which goal `hard` needs$"):
        c.loss({"pixels": BATCH["pixels"]})
    with pytest.raises(DiagramError, match=r"there is no data generator `pixel`; did you mean `pixels`\?"):
        c.loss({"pixel": BATCH["pixels"]})
    with pytest.raises(DiagramError, match=r"^batch: a batch is a dictionary of arrays by .*, not NoneType$"):
        c.value_and_grad(None)


def test_steps_key_schedules_and_noise(backend):
    d = ld.Diagram()
    d.object("S")
    d.object("A", (2,))
    x, z = d.data("x", d["S"], d["A"]), d.noise("z", d["S"], d["A"], "normal()")
    d.model("f", d["A"], d["A"], "linear(2, 2)")
    d.goal("g", z >> d["f"], x, weight="linear(0, 1, steps=10)")
    c = d.compile(backend=backend)
    batch = {"x": np.ones((4, 2))}
    assert c.loss(batch).total.item() == 0 and c.step == 0
    five = c.loss(batch, step=5)
    assert five.total.item() == pytest.approx(0.5 * five.terms["g"].item(), rel=1e-6)
    assert five.terms["g"].item() == c.loss(batch, step=5).terms["g"].item() != c.loss(batch, step=6).terms["g"].item()
    drawn = c.draw(batch, step=5)
    assert c.loss(drawn, step=9).terms["g"].item() == five.terms["g"].item()
    c.fit(batch, steps=3)
    assert c.step == 3
    assert c.loss(batch).total.item() == pytest.approx(0.3 * c.loss(batch).terms["g"].item(), rel=1e-6)


def test_games_have_one_field(backend):
    d = ld.Diagram()
    d.object("S")
    d.object("A", (2,))
    d.object("R", (1,))
    d.data("x", d["S"], d["A"])
    d.noise("z", d["S"], d["A"], "normal(2)")
    d.model("gen", d["A"], d["A"], "linear(2, 2)")
    d.model("judge", d["A"], d["R"], "linear(2, 1)")
    d.fixed("one", d.unit, d["R"], "constant((1,))")
    d.fixed("zero", d.unit, d["R"], "constant((0,))")
    d.goal("real", "x >> judge", "drop(S) >> one", by="bce", train=["judge"])
    d.goal("fake", "z >> gen >> judge", "drop(S) >> zero", by="bce", train=["judge"])
    d.goal("fool", "z >> gen >> judge", "drop(S) >> one", by="bce", train=["gen"])
    batch = {"x": RNG.normal(size=(6, 2))}
    c = d.compile(backend=backend, dtype="float64")
    _, field = c.value_and_grad(batch)
    whole = {"judge": ["real", "fake"], "gen": ["fool"]}
    for model, goals in whole.items():
        alone = ld.loads(str(d))
        parts = []
        for goal in goals:
            single = ld.Diagram.__new__(ld.Diagram)
            single.__dict__.update(alone.__dict__)
            single._goals = {goal: alone.goals[goal]}
            other = single.compile(backend=backend, dtype="float64")
            parts.append(other.value_and_grad(batch)[1][model])
        for name, gradient in field[model].items():
            np.testing.assert_allclose(host(gradient), sum(host(part[name]) for part in parts), rtol=1e-9, atol=1e-12)
    assert np.abs(host(field["gen"]["weight"])).max() > 0


def test_saving_and_restoring(backend, tmp_path):
    c = distillation().compile(backend=backend, seed=1)
    c.fit(BATCH, epochs=2)
    c.save(tmp_path / "maps.safetensors")
    other = distillation().compile(backend=backend, seed=2)
    assert other.loss(BATCH).total.item() != c.loss(BATCH).total.item()
    other.restore(tmp_path / "maps.safetensors")
    assert other.loss(BATCH).total.item() == c.loss(BATCH).total.item()


def test_evaluate_and_residuals_cover_all_the_data(backend):
    c = distillation().compile(backend=backend)
    found = c.evaluate(BATCH, batch_size=3)
    assert list(found) == ["hard", "soft", "accuracy"]
    assert found["hard"] == pytest.approx(c.loss(BATCH).terms["hard"].item(), rel=1e-5)
    assert c.residuals(BATCH)["soft"] == pytest.approx(found["soft"], rel=1e-5)


def test_what_a_backend_does_not_offer_says_what_does():
    pytest.importorskip("torch"), pytest.importorskip("jax")
    on_torch, on_jax = (distillation().compile(backend=name) for name in ("torch", "jax"))
    with pytest.raises(DiagramError, match=r"^only the backend jax has `pure\(\)`; on torch there is `module`$"):
        on_torch.pure()
    with pytest.raises(DiagramError, match=r"^only the backend torch has a module; on jax there is `pure\(\)`$"):
        _ = on_jax.module
    with pytest.raises(DiagramError, match=r"^on torch the modules that were given are trained in place$"):
        on_torch.write_back()


def test_a_loop_of_ones_own_on_torch():
    torch = pytest.importorskip("torch")
    d = distillation()
    d.ema("slow", of="student", decay=0.5)
    d.measure("slow_accuracy", "pixels >> slow", "label", by="accuracy")
    c = d.compile(backend="torch")
    module = c.module
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.1)
    first = module(BATCH).item()
    start = c.parameters()["slow"]["0.weight"].clone()
    for _ in range(5):
        optimizer.zero_grad()
        module(BATCH).backward()
        optimizer.step()
        c.advance()
    assert c.step == 5 and module(BATCH).item() < first
    assert not torch.equal(c.parameters()["slow"]["0.weight"], start)


def test_a_loop_of_ones_own_on_jax():
    jax = pytest.importorskip("jax")
    c = distillation().compile(backend="jax")
    params, fn = c.pure()
    assert list(params) == ["student"]
    batch = c.draw(BATCH)
    total, terms = fn(params, batch, 0)
    assert float(total) == pytest.approx(c.loss(BATCH).total.item(), rel=1e-6) and list(terms) == ["hard", "soft"]
    step = jax.jit(jax.grad(lambda p, s: fn(p, batch, s)[0]))
    for i in range(5):
        params = jax.tree.map(lambda p, g: p - 0.1 * g, params, step(params, i))
        c.advance(params)
    assert c.step == 5 and c.loss(BATCH).total.item() < float(total)


def test_averages_move_in_a_compiled_loop_of_ones_own_on_jax():
    jax = pytest.importorskip("jax")
    d = distillation()
    d.ema("slow", of="student", decay=0.5)
    d.goal("follow", "pixels >> student", "pixels >> slow", by="mse")
    c = d.compile(backend="jax")
    params, fn = c.pure()
    step = jax.jit(fn)
    moved = jax.tree.map(lambda p: p + 1, params)
    assert float(step(params, c.draw(BATCH), 0)[1]["follow"]) == 0
    c.advance(moved)
    assert c.loss(c.draw(BATCH)).terms["follow"].item() == pytest.approx(
        float(step(moved, c.draw(BATCH), 1)[1]["follow"]), rel=1e-5
    )
    assert c.loss(BATCH).terms["follow"].item() > 0.01


def test_both_backends_live_in_one_process_on_one_diagram():
    pytest.importorskip("torch"), pytest.importorskip("jax")
    d = distillation()
    one, two = d.compile(backend="torch"), d.compile(backend="jax")
    one.fit(BATCH, epochs=2)
    two.fit(BATCH, epochs=2)
    assert one.loss(BATCH).total.item() == pytest.approx(two.loss(BATCH).total.item(), rel=1e-5)


def test_code_is_run_only_when_trusted(tmp_path, backend):
    (tmp_path / "my_maps.py").write_text("ran = []\ndef square():\n    ran.append(1)\n    return lambda x: x * x\n")
    text = "object S, A[2]\ndata x : S -> A\n" + f'fixed sq : A -> A = {backend}("my_maps:square")\n'
    text += "model f : A -> A = linear(2, 2)\ngoal g : x >> f = x >> sq\n"
    (tmp_path / "d.diagram").write_text(text)
    with pytest.raises(
        DiagramError, match=r"^`sq` runs code: (torch|jax)\(\"my_maps:square\"\); --trust .* allows importing it$"
    ):
        ld.load(tmp_path / "d.diagram").compile(backend=backend)
    c = ld.load(tmp_path / "d.diagram", trust=True).compile(backend=backend)
    assert host(c.apply("sq", np.full((1, 2), 3.0))).tolist() == [[9.0, 9.0]]


def test_code_is_looked_up_beside_its_own_diagram(tmp_path, backend):
    """Two diagrams in two folders name the same module, and each finds the one beside it."""
    found = []
    for scale in (2.0, 3.0):
        folder = tmp_path / str(scale)
        folder.mkdir()
        (folder / "beside.py").write_text(f"def scaled():\n    return lambda x: {scale} * x\n")
        text = f'object S, A[1]\ndata x : S -> A\nfixed k : A -> A = {backend}("beside:scaled")\n'
        (folder / "d.diagram").write_text(text + "model f : A -> A = linear(1, 1)\ngoal g : x >> f = x >> k\n")
        c = ld.load(folder / "d.diagram", trust=True).compile(backend=backend)
        found.append(host(c.apply("k", np.ones((1, 1)))).item())
    assert found == [2.0, 3.0]


def test_a_module_that_anybody_may_import_is_not_forgotten(tmp_path, backend):
    """A file beside a diagram that is called as a library is does not take the library's place."""
    (tmp_path / f"{backend}.py").write_text("raise RuntimeError('read')\n")
    function = {"torch": "torch:sin", "jax": "jax.numpy:sin"}[backend]
    text = f'object S, A[1]\ndata x : S -> A\nfixed k : A -> A = {backend}("{function}")\n'
    (tmp_path / "d.diagram").write_text(text + "model f : A -> A = linear(1, 1)\ngoal g : x >> f = x >> k\n")
    library = sys.modules[backend]
    c = ld.load(tmp_path / "d.diagram", trust=True).compile(backend=backend)
    assert host(c.apply("k", np.zeros((1, 1)))).item() == 0 and sys.modules[backend] is library


def test_a_name_in_shapes_is_one_number_in_the_data_and_in_the_maps(backend):
    d = ld.Diagram("Named")
    s, a, b = d.object("S"), d.object("A", ("n",)), d.object("B", ("n",))
    d.data("x", s, a), d.data("y", s, b), d.model("f", a, b)
    d.goal("fit", "x >> f", "y")
    c = d.compile(backend=backend, maps={"f": pytest.importorskip("torch").nn.Linear(3, 4)})
    said = r"goal `fit`, at x >> f: `f` gives \[4\], but B is declared \[n\] \(n is 3 by the data, and 4 by `f`\)"
    for use in (c.loss, c.fit, c.evaluate, c.residuals):
        with pytest.raises(DiagramError, match=said):
            use({"x": np.zeros((2, 3)), "y": np.zeros((2, 3))})


def test_a_name_in_shapes_may_be_another_number_in_the_next_batch(backend):
    d = ld.Diagram("Lengths")
    s, a = d.object("S"), d.object("A", ("n", 2))
    d.data("x", s, a), d.model("f", a, a, "linear(2, 2)")
    d.goal("fit", "x >> f", "x")
    c = d.compile(backend=backend)
    assert all(c.loss({"x": np.ones((2, length, 2))}).total.item() > 0 for length in (3, 5, 3))


RUNNING = """
diagram Running
object S, A, B
data x : S -> A
data y : S -> B
model f : A -> B
goal fit : x >> f = y
"""


@pytest.mark.parametrize(
    "x, given, why",
    [
        (np.ones((2, 3), "float32"), r"\[3\] of float32", ""),
        (np.ones((2, 5), "uint8"), r"\[5\] of uint8", ".*hand over floats"),
        (np.ones((2, 5), bool), r"\[5\] of bool", ".*hand over floats"),
    ],
    ids=["width", "bytes", "truth values"],
)
def test_a_map_that_refuses_its_data_is_named_with_path_and_shape(backend, x, given, why):
    d = ld.loads(RUNNING)
    c = d.compile(backend=backend, maps={"f": ld.layers.mlp(5, 4, 2)})
    data = {"x": x, "y": np.ones((2, 2), "float32")}
    for use in (c.loss, c.value_and_grad, c.fit, c.evaluate, c.residuals):
        with pytest.raises(DiagramError, match=rf"^goal `fit`, at x >> f: `f`: it refuses {given}: {why}") as error:
            use(data)
        assert [problem.name for problem in error.value.problems] == ["f"]
    with pytest.raises(DiagramError, match=rf"^at f: `f`: it refuses {given}: {why}"):
        c.apply("f", x)


def test_data_of_a_wrong_shape_say_whose_they_are(backend):
    d = ld.loads(RUNNING.replace("S, A, B", "S, A[5], B[2]"))
    c = d.compile(backend=backend, maps={"f": ld.layers.linear(5, 2)})
    for use in (c.loss, c.fit, c.evaluate):
        with pytest.raises(DiagramError, match=r"`x` has values of shape \[3\], but A is declared \[5\]$") as error:
            use({"x": np.ones((2, 3), "float32"), "y": np.ones((2, 2), "float32")})
        assert [problem.name for problem in error.value.problems] == ["x"]
