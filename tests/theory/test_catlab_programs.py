"""Julia programs: made of the calls that were observed to work, with names that clash with nothing."""

import re

import pytest

from learningdiagrams.language import loads
from learningdiagrams.theory import CSet, Functor, Homomorphism, Presentation, TheoryError, identity
from learningdiagrams.theory.catlab import AttrVar, PresentationDiagram, Schema, from_json, julia_text
from learningdiagrams.theory.catlab.opinions import asked_of
from learningdiagrams.theory.catlab.programs import Program
from learningdiagrams.theory.cset_colimits import coequalizer, colimit, coproduct, pushout
from tests.theory.catlab_cases import COLIMITS, DATA, FUNCTORS, SCHEMAS, diagram, functor, schema
from tests.theory.recorded_juliacall import recorded


def example() -> Presentation:
    """The presentation of the first lines of the record."""
    P = Presentation("P")
    A, B = P.objects("A", "B")
    f, g = P.morphism("f", A, B), P.morphism("g", B, A)
    P.law(f >> g, identity(A))
    return P


def lines(value) -> list[str]:
    first, *statements, last = julia_text(value).splitlines()
    assert (first, last) == ("let", "end")
    return [line.removeprefix("    ") for line in statements]


def test_a_presentation_is_built_by_recorded_calls_verbatim():
    *statements, result = lines(example())
    assert result == "P" and len(statements) == 6
    assert set(statements) <= set(recorded())


def test_a_functor():
    """`FinFunctor(Dict(obgen => ob), Dict(homgen => Path(D, [gens])), C, D; homtype = :path)`, and of an identity
    `Path(FreeSchema.Hom{:generator}[], x, x)`.
    """
    case = next(it for it in FUNCTORS if it["name"] == "collapse_square_to_arrow")
    text = lines(functor(case))
    assert "C2 = FinCat(P)" in text
    assert text[-4:] == [
        "a = add_generator!(P2, Hom(:a, S, T))",
        "C3 = FinCat(P2)",
        "F = FinFunctor(Dict(A => S, B => S, C => T, D => T), "
        "Dict(f => Path(FreeSchema.Hom{:generator}[], S, S), g => Path(C3, [a]), h => Path(C3, [a]), "
        "k => Path(FreeSchema.Hom{:generator}[], T, T)), C2, C3; homtype = :path)",
        "F",
    ]


def test_a_generator_whose_name_is_taken_is_looked_up():
    """`P[:f]` looks a generator up."""
    P, Q = example(), example()
    text = julia_text(Functor.inclusion(P, Q))
    assert "Dict(A => P2[:A], B => P2[:B]), Dict(f => Path(C2, [P2[:f]]), g => Path(C2, [P2[:g]]))" in text
    assert "add_generator!(P2, Hom(:f, P2[:A], P2[:B]))\n" in text


def test_names_that_julia_uses_itself():
    P = Presentation("P")
    compose, end, P_, Ob = P.objects("compose", "end", "P", "Ob")
    true, pi = P.morphism("true", compose, end), P.morphism("ɛ", end, P_)
    P.law(true >> pi, true >> pi), P.law(identity(Ob), identity(Ob))
    assert lines(P) == [
        "P = Presentation(FreeSchema)",
        "add_generator!(P, Ob(FreeSchema, :compose))",
        'add_generator!(P, Ob(FreeSchema, Symbol("end")))',
        "add_generator!(P, Ob(FreeSchema, :P))",
        "add_generator!(P, Ob(FreeSchema, :Ob))",
        'add_generator!(P, Hom(Symbol("true"), P[:compose], P[Symbol("end")]))',
        'add_generator!(P, Hom(Symbol("ɛ"), P[Symbol("end")], P[:P]))',
        *['add_equation!(P, compose(P[Symbol("true")], P[Symbol("ɛ")]), compose(P[Symbol("true")], P[Symbol("ɛ")]))'],
        "add_equation!(P, id(P[:Ob]), id(P[:Ob]))",
        "P",
    ]


def test_a_c_set_and_a_homomorphism():
    """`parse_json_acset(T, text)`, `AnonACSetType(Schema(P))`, `ACSetTransformation(X, Y; V = [...], E = [...])`."""
    _, (h, _), _ = diagram(COLIMITS[0])
    *_, type_, X, Y, transformation, result = lines(h)
    assert type_ == "T = AnonACSetType(Schema(P))"
    assert X == r'X = parse_json_acset(T, "{\"V\":[{\"_id\":1}],\"E\":[]}")'
    assert Y.startswith("X2 = parse_json_acset(T, ")
    assert transformation == "h = ACSetTransformation(X, X2; V = [2], E = Int[])" and result == "h"


def test_a_c_set_with_attributes_says_of_what_types_they_are():
    person = from_json((DATA / "acset_person.json").read_text(encoding="utf-8"), schema=schema("SchPerson"))
    text = julia_text(person)
    assert "T = AnonACSetType(Schema(P); type_assignment = Dict(:Str => String, :Num => Int))" in text
    assert "Str = add_generator!(P, AttrType(FreeSchema.AttrType, :Str))" in text
    assert "age = add_generator!(P, Attr(:age, Person, Num))" in text
    S = Schema("S", attribute_types=["W"])
    V, W = S.objects("V", "W")
    S.morphism("w", V, W)
    for values, kind in (([True], "Bool"), ([1, 0.5], "Float64"), (["a", 1], "Any"), ([], "Any")):
        X = CSet(S, {"V": len(values), "W": values}, {"w": values})
        assert f"Dict(:W => {kind})" in julia_text(X)


def unknown_weights() -> Homomorphism:
    """An edge each of whose two weights is not known goes to one of weight 1 and to one that is not known."""
    S = Schema("S", attribute_types=["W"])
    E, W = S.objects("E", "W")
    S.morphism("w", E, W)
    X = CSet(S, {"E": 3, "W": [AttrVar(1), AttrVar(2), 2]}, {"w": [AttrVar(1), AttrVar(2), 2]})
    Y = CSet(S, {"E": 4, "W": [1, AttrVar(1), 2, 0.5]}, {"w": [1, AttrVar(1), 2, 0.5]})
    return Homomorphism(X, Y, {"E": [0, 1, 2], "W": [1, AttrVar(1), 2]})


def test_values_that_are_not_known_have_images():
    """Catlab wants a component for an attribute type with unknown values; its entries are of the type of values."""
    assert unknown_weights().failures() == []
    text = julia_text(unknown_weights())
    assert "T = AnonACSetType(Schema(P); type_assignment = Dict(:W => Float64))" in text
    assert "h = ACSetTransformation(X, X2; E = [1, 2, 3], W = [1.0, AttrVar(1)])" in text


def test_one_type_is_for_the_values_of_both_ends():
    S = Schema("S", attribute_types=["W"])
    E, W = S.objects("E", "W")
    S.morphism("w", E, W)
    X, Y = (CSet(S, {"E": len(values), "W": values}, {"w": values}) for values in ([1], [1, "a"]))
    assert "Dict(:W => Any)" in julia_text(Homomorphism(X, Y, {"E": [0], "W": [1]}))


def test_a_sort_called_as_a_keyword_of_the_call():
    P = Presentation("P")
    P.objects("cat", "do")
    X = CSet(P, {"cat": 1, "do": 0}, {})
    assert 'h = ACSetTransformation((; cat = [1], var"do" = Int[]), X, X)' in julia_text(Homomorphism.identity(X))


def test_a_text_stays_as_it_is_in_julia():
    S = Schema("S", attribute_types=["W"])
    V, W = S.objects("V", "W")
    S.morphism("w", V, W)
    X = CSet(S, {"V": 1, "W": ['"$x\\']}, {"w": ['"$x\\']})
    assert r"\"w\":\"\\\"\$x\\\\\"" in julia_text(X)


@pytest.mark.parametrize("case", COLIMITS, ids=lambda case: case["name"])
def test_colimits_are_asked_for_as_they_were(case):
    """`pushout[𝒞](f, g)`, `coequalizer[𝒞](f, g)`, `coproduct[𝒞](X, Y)`, `colimit[𝒞](BipartiteFreeDiagram(…))`."""
    csets, maps, arrows = diagram(case)
    made = {
        "pushout": lambda: pushout(*maps),
        "coequalizer": lambda: coequalizer(*maps),
        "coproduct": lambda: coproduct(*csets.values()),
        "colimit": lambda: colimit(csets.values(), arrows),
    }[case["kind"]]()
    asked, program = asked_of(made), Program()
    assert asked.shape == case["kind"]
    program.colimit(asked.shape, asked.parts, asked.arrows)
    *before, call = program.statements
    (category,) = (line for line in before if line.startswith("𝒞"))
    assert re.fullmatch(r"𝒞 = ACSetCategory\(CSetCat\(X\d*\)\)", category)
    name = r"[Xh]\d*"
    forms = {
        "pushout": rf"r = pushout\[𝒞\]\({name}, {name}\)",
        "coequalizer": rf"r = coequalizer\[𝒞\]\({name}, {name}\)",
        "coproduct": rf"r = coproduct\[𝒞\]\({name}(, {name})+\)",
        "colimit": rf"r = colimit\[𝒞\]\(BipartiteFreeDiagram\(\[{name}(?:, {name})*\], \[{name}(?:, {name})*\], "
        rf"\[\({name}, \d, \d\)(?:, \({name}, \d, \d\))*\]; cat = 𝒞\)\)",
    }
    assert re.fullmatch(forms[case["kind"]], call)


def test_pushouts_of_more_than_two():
    """`pushout[𝒞]([f,g,h])`."""
    _, maps, _ = diagram(COLIMITS[0])
    asked, program = asked_of(pushout(*maps, maps[0])), Program()
    program.colimit(asked.shape, asked.parts, asked.arrows)
    assert program.statements[-1] == "r = pushout[𝒞]([h, h2, h])"


def test_a_diagram_of_presentations():
    """`FinDomFunctor(obs, homs, J, Category(TypeCat(𝒞)))` with J the free category on a graph."""
    loop, idem = schema("SchLoop"), schema("SchIdem")
    F = Functor(loop, idem, {"X": "X"}, {"t": "e"})
    text = lines(PresentationDiagram((loop, idem), ((0, 1, F),)))
    shape = r"{\"V\":[{\"_id\":1},{\"_id\":2}],\"E\":[{\"_id\":1,\"src\":1,\"tgt\":2}]}"
    assert text[-3:] == [
        f'J = FinCat(parse_json_acset(Graph, "{shape}"))',
        "D = FinDomFunctor([C, C2], [F], J, Category(TypeCat(FinCatC())))",
        "D",
    ]


def test_a_learning_diagram():
    d = loads("""
        object S, A, B
        data  x : S -> A
        model f : A -> B
        law   same : f = f
        goal  g : x >> f = x >> f
        goal  pairs : x >> (f & f) = x >> (f & f)
    """)
    *_, result = lines(d)
    assert result.startswith(
        "(presentation = P, roles = Dict(:x => :data, :f => :model), "
        "goals = Dict(:g => (compose(x, f), compose(x, f)), "
        ':pairs => ("x >> (f & f)", "x >> (f & f)")), form = "{\\n  \\"format\\": \\"learningdiagrams\\",'
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_statement_is_like_one_that_is_recorded(name):
    """All but names: each statement becomes one of the record when its names become those there."""
    kinds = (
        r"P = Presentation\(FreeSchema\)",
        r"(\w+ = )?add_generator!\(P, (Ob\(FreeSchema, SYMBOL\)|AttrType\(FreeSchema\.AttrType, SYMBOL\))\)",
        r"(\w+ = )?add_generator!\(P, (Hom|Attr)\(SYMBOL, REF, REF\)\)",
        r"add_equation!\(P, (compose\(REF, REF\)|REF|id\(REF\)), (compose\(REF, REF\)|REF|id\(REF\))\)",
    )
    symbol = r'(?::\w+|Symbol\("[^"]+"\))'
    patterns = [it.replace("REF", rf"(?:\w+|P\[{symbol}\])").replace("SYMBOL", symbol) for it in kinds]
    *statements, result = lines(schema(name))
    assert result == "P" and all(any(re.fullmatch(it, line) for it in patterns) for line in statements)


def test_what_has_no_counterpart():
    with pytest.raises(TheoryError, match=r"^3 has no counterpart in Catlab; presentations, functors, C-sets"):
        julia_text(3)
    monoid = Presentation("Monoid")
    (M,) = monoid.objects("M")
    monoid.morphism("mul", M * M, M)
    with pytest.raises(TheoryError, match=r"no products: `mul` starts at M \* M$"):
        julia_text(monoid)
