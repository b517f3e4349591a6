"""Small presentations, and random ones glued along random functors."""

from hypothesis import strategies as st

from learningdiagrams.theory import Functor, Presentation, identity


def presentation(draw: st.DrawFn, name: str, sorts: int = 2, generators: int = 2) -> Presentation:
    """A presentation of a small category of paths, without laws."""
    P = Presentation(name)
    objects = P.objects(*(f"{name}{i}" for i in range(draw(st.integers(1, sorts)))))
    end = st.sampled_from(objects)
    for i in range(draw(st.integers(0, generators))):
        P.morphism(f"{name.lower()}{i}", draw(end), draw(end))
    return P


def extension(draw: st.DrawFn, R: Presentation, name: str) -> Functor:
    """A functor from R, which has no laws, to a new presentation with some.

    A generator of R becomes an identity, a generator or a composite; the new one has its own things, too.
    """
    P = Presentation(name)
    objects = P.objects(*(f"{name}{i}" for i in range(draw(st.integers(1, 2)))))
    end = st.sampled_from(objects)
    sorts = {sort: draw(end) for sort in R.sorts}
    count = iter(range(100))

    def new(dom, cod):
        known = [it for it in P.generators.values() if it.dom is dom and it.cod is cod]
        if known and draw(st.booleans()):
            return draw(st.sampled_from(known))
        return P.morphism(f"{name.lower()}{next(count)}", dom, cod)

    images = {}
    for key, generator in R.generators.items():
        dom, cod = sorts[generator.dom.name], sorts[generator.cod.name]
        shape = draw(st.sampled_from(["generator", "composite", "identity"]))
        if shape == "identity" and dom is cod:
            images[key] = identity(dom)
        elif shape == "composite":
            middle = draw(end)
            images[key] = new(dom, middle) >> new(middle, cod)
        else:
            images[key] = new(dom, cod)
    for _ in range(draw(st.integers(0, 1))):
        new(draw(end), draw(end))
    paths = [*P.generators.values()]
    paths += [f >> g for f in P.generators.values() for g in P.generators.values() if f.cod is g.dom]
    pairs = [(f, g) for f in paths for g in paths if f is not g and f.dom is g.dom and f.cod is g.cod]
    pairs += [(f, identity(f.dom)) for f in paths if f.dom is f.cod]
    if pairs and draw(st.booleans()):
        P.law(*draw(st.sampled_from(pairs)), name=f"{name.lower()}_law")
    return Functor(R, P, sorts, images)


@st.composite
def spans(draw: st.DrawFn, legs: int = 2) -> list[Functor]:
    """Functors out of one presentation: R → P, R → Q …"""
    R = presentation(draw, "R")
    return [extension(draw, R, name) for name in "PQST"[:legs]]


def point(name: str = "Point") -> Presentation:
    P = Presentation(name)
    P.objects("X")
    return P


def loop(name: str, generator: str, *laws) -> Presentation:
    """One object with one loop, and laws t^m = t^n."""
    P = Presentation(name)
    (X,) = P.objects("X")
    P.morphism(generator, X, X)
    for m, n in laws:
        P.law(power(P, m), power(P, n))
    return P


def power(P: Presentation, exponent: int):
    (X,), (t,) = P.sorts.values(), P.generators.values()
    made = identity(X)
    for _ in range(exponent):
        made = made >> t
    return made


def free_loop() -> Presentation:
    return loop("Loop", "l")


def path(presentation: Presentation, start: str, names: list[str]):
    made = identity(presentation.sorts[start])
    for name in names:
        made = made >> presentation.generators[name]
    return made
