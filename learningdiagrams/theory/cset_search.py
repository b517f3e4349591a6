"""The homomorphisms between two finite models, found by backtracking with propagation.

Once an element has its image, the images of everything that the tables compute from it are forced; a
choice that forces a contradiction is undone at once. In the worst case this takes exponential time, as it
has to: graph colouring is the search for a homomorphism.
"""

from __future__ import annotations

from collections.abc import Iterator

from learningdiagrams.theory.csets import CSet, Element, Homomorphism, cells
from learningdiagrams.theory.errors import TheoryError
from learningdiagrams.theory.morphisms import Morphism

__all__ = ["homomorphisms", "isomorphism"]

Cell = tuple[str, Element]
"""A sort and one of its elements."""


def homomorphisms(dom: CSet, cod: CSet, *, injective: bool = False) -> Iterator[Homomorphism]:
    """All homomorphisms dom → cod, one after the other; `injective` asks for injective components.

    Raises :class:`TheoryError` where one of the two is no model.

    >>> from learningdiagrams.theory.presentations import Presentation
    >>> P = Presentation("Graph")
    >>> V, E = P.objects("V", "E")
    >>> src, tgt = P.morphism("src", E, V), P.morphism("tgt", E, V)
    >>> def cycle(n):
    ...     return CSet(P, {"V": n, "E": n}, {"src": range(n), "tgt": [(i + 1) % n for i in range(n)]})
    >>> [sum(1 for _ in homomorphisms(cycle(m), cycle(n))) for m, n in ((6, 3), (3, 6), (4, 4))]
    [3, 0, 4]
    """
    for model in (dom, cod):
        if failures := model.failures():
            raise TheoryError(f"homomorphisms: {model!r} is no model: {failures[0]}")
    if dom.presentation is not cod.presentation:
        raise TheoryError(f"homomorphisms: {dom!r} and {cod!r} are models of different presentations")
    search = _Search(dom, cod, injective)
    if not search.force([]):
        return
    order = search.order()
    # One frame for each choice: the cell, the images still to be tried, and how much was decided before.
    stack: list[tuple[Cell, Iterator[Element], int]] = []
    while True:
        cell = next((cell for cell in order if cell not in search.image), None)
        if cell is None:
            yield Homomorphism(dom, cod, search.components())
        else:
            stack.append((cell, iter(cod.sets[cell[0]]), len(search.trail)))
        while stack:
            cell, images, decided = stack[-1]
            search.undo(decided)
            image = next(images, search)
            if image is search:
                stack.pop()
            elif search.force([(cell, image)]):
                break
        else:
            return


def isomorphism(dom: CSet, cod: CSet) -> Homomorphism | None:
    """An isomorphism dom → cod, or None if there is none."""
    if [len(elements) for elements in dom.sets.values()] != [len(elements) for elements in cod.sets.values()]:
        return None
    return next(homomorphisms(dom, cod, injective=True), None)


class _Search:
    """A partial homomorphism: the image of each cell so far, and the order in which they were decided."""

    def __init__(self, dom: CSet, cod: CSet, injective: bool) -> None:
        self._dom = dom
        self._cod = cod
        self._injective = injective
        self.image: dict[Cell, Element] = {}
        self.trail: list[Cell] = []
        self._taken: set[Cell] = set()
        self._constants: list[Morphism] = []
        # For each cell, the entries of tables in which it is an argument.
        self._uses: dict[Cell, list[tuple[Morphism, Element]]] = {
            (name, element): [] for name, elements in dom.sets.items() for element in elements
        }
        for generator in dom.presentation.generators.values():
            if not generator.dom.factors:
                self._constants.append(generator)
            for key in dom(generator.dom):
                for cell in set(cells(generator.dom, key)):
                    self._uses[cell].append((generator, key))

    def order(self) -> list[Cell]:
        """The cells, those first that force most."""
        return sorted(self._uses, key=lambda cell: -len(self._uses[cell]))

    def components(self) -> dict[str, dict[Element, Element]]:
        return {
            name: {element: self.image[name, element] for element in elements}
            for name, elements in self._dom.sets.items()
        }

    def undo(self, decided: int) -> None:
        """Forgets all but the first so many decisions."""
        while len(self.trail) > decided:
            cell = self.trail.pop()
            self._taken.discard((cell[0], self.image.pop(cell)))

    def force(self, choices: list[tuple[Cell, Element]]) -> bool:
        """Decides these images and all that follows from them; False where that is a contradiction."""
        entries: list[tuple[Morphism, Element]] = [] if self.trail or choices else [(c, ()) for c in self._constants]
        while choices or entries:
            while choices:
                cell, image = choices.pop()
                if cell in self.image:
                    if self.image[cell] != image:
                        return False
                    continue
                if self._injective and (cell[0], image) in self._taken:
                    return False
                self._taken.add((cell[0], image))
                self.image[cell] = image
                self.trail.append(cell)
                entries += self._uses[cell]
            if entries:
                generator, key = entries.pop()
                arguments = cells(generator.dom, key)
                if all(cell in self.image for cell in arguments):
                    images = tuple(self.image[cell] for cell in arguments)
                    there = self._cod.maps[str(generator.name)][images[0] if len(images) == 1 else images]
                    here = self._dom.maps[str(generator.name)][key]
                    values = [image for _, image in cells(generator.cod, there)]
                    choices += zip(cells(generator.cod, here), values, strict=True)
        return True
