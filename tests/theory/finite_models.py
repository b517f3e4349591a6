"""Some finite models."""

from itertools import product

from learningdiagrams.theory import CSet, Presentation, identity


def graphs() -> Presentation:
    P = Presentation("Graph")
    V, E = P.objects("V", "E")
    P.morphism("src", E, V)
    P.morphism("tgt", E, V)
    return P


GRAPHS = graphs()


def graph(vertices: int, *edges: tuple[int, int]) -> CSet:
    ends = {"src": [edge[0] for edge in edges], "tgt": [edge[1] for edge in edges]}
    return CSet(GRAPHS, {"V": vertices, "E": len(edges)}, ends)


def cycle(length: int) -> CSet:
    return graph(length, *((i, (i + 1) % length) for i in range(length)))


def monoids() -> Presentation:
    P = Presentation("Monoid")
    (M,) = P.objects("M")
    mul, one = P.morphism("mul", M * M, M), P.morphism("one", P.unit, M)
    P.law(mul @ identity(M) >> mul, identity(M) @ mul >> mul, name="associative")
    P.law(one @ identity(M) >> mul, identity(M), name="left")
    P.law(identity(M) @ one >> mul, identity(M), name="right")
    return P


MONOIDS = monoids()


def cyclic(order: int) -> CSet:
    table = {(a, b): (a + b) % order for a, b in product(range(order), repeat=2)}
    return CSet(MONOIDS, {"M": order}, {"mul": table, "one": {(): 0}})
