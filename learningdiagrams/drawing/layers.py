"""Columns: which vertices stand above each other, and in what order, so that few arrows cross.

The layered method of Sugiyama, Tagawa and Toda (*Methods for visual understanding of hierarchical system
structures*, IEEE Trans. SMC 11(2), 1981): break cycles, take longest paths for columns, sweep with
barycentres for the order within them. Sample objects stand in the first column. Objects of one cycle that
data enter (the two sides of a cycle-consistent pair) share a column, and so do the vertical sides of
commuting squares.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from learningdiagrams.drawing.graph import Edge, Graph

__all__ = ["Columns", "arrange", "components", "crossings"]

SWEEPS = 12


@dataclass(frozen=True)
class Columns:
    """Vertices and bends in columns.

    Attributes:
        order: the keys of each column, from top to bottom; a bend of edge e in column c is `("e", c)`.
        column: the column of each vertex.
        bends: for each edge that passes columns on its way, its bends from its source to its target.
        pairs: neighbours in adjacent columns, each (left, right).
    """

    order: tuple[tuple[object, ...], ...]
    column: Mapping[str, int]
    bends: Mapping[str, tuple[tuple[str, int], ...]]
    pairs: tuple[tuple[object, object], ...]


def components(nodes: Iterable[str], after: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The strongly connected component of each node, as a number (Tarjan 1972, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    found: dict[str, int] = {}
    stack: list[str] = []
    count = 0
    for root in nodes:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        work = [(root, iter(after.get(root, ())))]
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    work.append((other, iter(after.get(other, ()))))
                    break
                if other not in found:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    while True:
                        member = stack.pop()
                        found[member] = count
                        if member == node:
                            break
                    count += 1
    return found


def arrange(graph: Graph) -> Columns:
    """The columns of a graph, and the order within them."""
    proper = [edge for edge in graph.edges if edge.source != edge.target]
    group = _together(graph, proper)
    column = _columns(graph, proper, group)
    order: list[list[object]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for key in graph.vertices:
        order[column[key]].append(key)
    bends: dict[str, tuple[tuple[str, int], ...]] = {}
    pairs: list[tuple[object, object]] = []
    for edge in proper:
        start, end = column[edge.source], column[edge.target]
        if start == end:
            continue
        step = 1 if start < end else -1
        between = [(edge.key, c) for c in range(start + step, end, step)]
        for bend in between:
            order[bend[1]].append(bend)
        if between:
            bends[edge.key] = tuple(between)
        chain = [edge.source, *between, edge.target]
        pairs += [(a, b) if step > 0 else (b, a) for a, b in itertools.pairwise(chain)]
    return Columns(tuple(map(tuple, _ordered(order, pairs, graph))), column, bends, tuple(pairs))


# Columns ----------------------------------------------------------------------------------------------------


def _together(graph: Graph, edges: Sequence[Edge]) -> dict[str, str]:
    """For each vertex a representative of those that share its column."""
    parent = {key: key for key in graph.vertices}

    def find(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    after = defaultdict(list)
    for edge in edges:
        after[edge.source].append(edge.target)
    component = components(graph.vertices, after)
    entered: dict[int, list[str]] = defaultdict(list)
    for edge in edges:
        if edge.role in ("data", "noise"):
            members = entered[component[edge.target]]
            if edge.target not in members:
                members.append(edge.target)
    for members in entered.values():
        for other in members[1:]:
            parent[find(other)] = find(members[0])
    # A square whose sides would have to run within a column is left as the layers have it.
    for a, b, c, d in graph.squares:
        tops, bottoms = (find(a), find(b)), (find(c), find(d))
        if len({*tops, *bottoms}) == 4 or (
            tops[0] == bottoms[0] and tops[1] != bottoms[1] and tops[0] not in (tops[1], bottoms[1])
        ):
            parent[find(c)] = find(a)
            parent[find(d)] = find(b)
        elif tops[1] == bottoms[1] and tops[0] != bottoms[0] and tops[1] not in (tops[0], bottoms[0]):
            parent[find(c)] = find(a)
    return {key: find(key) for key in graph.vertices}


def _columns(graph: Graph, edges: Sequence[Edge], group: Mapping[str, str]) -> dict[str, int]:
    """The column of each vertex: that of its group by the longest path to it, cycles broken."""
    after: dict[str, list[str]] = {key: [] for key in dict.fromkeys(group.values())}
    entered = set()
    for edge in edges:
        one, two = group[edge.source], group[edge.target]
        if one != two:
            after[one].append(two)
            entered.add(two)
    samples = dict.fromkeys(group[key] for key, v in graph.vertices.items() if v.kind == "sample")
    roots = [*samples, *(key for key in after if key not in entered), *after]
    state: dict[str, int] = {}
    finished: list[str] = []
    back: set[tuple[str, str]] = set()
    for root in roots:
        if root in state:
            continue
        state[root] = 1
        work = [(root, iter(after[root]))]
        while work:
            node, rest = work[-1]
            for other in rest:
                if state.get(other) == 1:
                    back.add((node, other))
                elif other not in state:
                    state[other] = 1
                    work.append((other, iter(after[other])))
                    break
            else:
                state[node] = 2
                finished.append(node)
                work.pop()
    forward: dict[str, list[str]] = {key: [] for key in after}
    for one, others in after.items():
        for two in others:
            if (one, two) in back:
                forward[two].append(one)
            else:
                forward[one].append(two)
    level = dict.fromkeys(after, 0)
    topological = list(reversed(finished))
    for node in topological:
        for other in forward[node]:
            level[other] = max(level[other], level[node] + 1)
    # What nothing leads to stands just before what it leads to; sample objects stay in front.
    preceded = {other for others in forward.values() for other in others}
    for node in after:
        if node not in preceded and node not in samples and forward[node]:
            level[node] = min(level[other] for other in forward[node]) - 1
    first = min(level.values(), default=0)
    return {key: level[group[key]] - first for key in graph.vertices}


# Order ------------------------------------------------------------------------------------------------------


def crossings(order: Sequence[Sequence[object]], pairs: Iterable[tuple[object, object]]) -> int:
    """How many pairs of neighbours cross between adjacent columns."""
    place = {key: (c, i) for c, column in enumerate(order) for i, key in enumerate(column)}
    gaps: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for left, right in pairs:
        (c, i), (_, j) = place[left], place[right]
        gaps[c].append((i, j))
    total = 0
    for segments in gaps.values():
        segments.sort()
        seen = [0] * (max(j for _, j in segments) + 2)
        # Inversions of the right ends in the order of the left ones, by a Fenwick tree.
        placed = 0
        at = 0
        while at < len(segments):
            stop = at
            while stop < len(segments) and segments[stop][0] == segments[at][0]:
                stop += 1
            for _, j in segments[at:stop]:
                below, k = 0, j + 1
                while k > 0:
                    below += seen[k]
                    k -= k & -k
                total += placed - below
            for _, j in segments[at:stop]:
                k = j + 1
                while k < len(seen):
                    seen[k] += 1
                    k += k & -k
                placed += 1
            at = stop
    return total


def _ordered(order: list[list[object]], pairs: Sequence[tuple[object, object]], graph: Graph) -> list[list[object]]:
    """The columns, reordered by barycentres and by exchanging neighbours until the crossings grow no fewer."""
    beside: tuple[dict[object, list[object]], dict[object, list[object]]] = (defaultdict(list), defaultdict(list))
    for left, right in pairs:
        beside[0][right].append(left)
        beside[1][left].append(right)
    column_of = {key: c for c, column in enumerate(order) for key in column}
    vertical: dict[object, list[object]] = defaultdict(list)
    for edge in graph.edges:
        if edge.source != edge.target and column_of[edge.source] == column_of[edge.target]:
            vertical[edge.source].append(edge.target)
            vertical[edge.target].append(edge.source)
    place = {key: i for column in order for i, key in enumerate(column)}
    best, least = [list(column) for column in order], (crossings(order, pairs), _spread(place, vertical))
    for sweep in range(SWEEPS):
        rightwards = sweep % 2 == 0
        columns = range(1, len(order)) if rightwards else range(len(order) - 2, -1, -1)
        for c in columns:
            before = order[c - 1 if rightwards else c + 1]
            _by_barycentre(order[c], len(before), place, beside[0 if rightwards else 1], vertical)
            _exchange(order[c], place, beside)
        cost = (crossings(order, pairs), _spread(place, vertical))
        if cost < least:
            best, least = [list(column) for column in order], cost
        elif sweep >= 4 and cost == least:
            break
    return best


def _spread(place: Mapping[object, int], vertical: Mapping[object, Sequence[object]]) -> int:
    """How far apart those are that an arrow joins within their column."""
    return sum(abs(place[a] - place[b]) for a, others in vertical.items() for b in others)


def _by_barycentre(
    column: list[object],
    size: int,
    place: dict[object, int],
    neighbours: Mapping[object, Sequence[object]],
    vertical: Mapping[object, Sequence[object]],
) -> None:
    """Sorts a column by the mean places of its neighbours in the column before, of that size."""

    def centre(key: object) -> float:
        others = neighbours.get(key)
        return sum(place[other] for other in others) / len(others) / size if others else place[key] / len(column)

    centres = {key: centre(key) for key in column}
    # What vertical arrows join is pulled together.
    pulled = {
        key: (value + sum(centres[other] for other in vertical[key])) / (1 + len(vertical[key]))
        if key in vertical
        else value
        for key, value in centres.items()
    }
    column.sort(key=lambda key: pulled[key])
    place.update((key, i) for i, key in enumerate(column))


def _exchange(
    column: list[object],
    place: dict[object, int],
    beside: tuple[Mapping[object, Sequence[object]], Mapping[object, Sequence[object]]],
) -> None:
    """Exchanges neighbours of one column as long as that removes crossings on its two sides together."""
    ends = {key: [sorted(place[k] for k in side.get(key, ())) for side in beside] for key in column}

    def between(upper: object, lower: object) -> int:
        """Crossings where `upper` stands above `lower`."""
        total = 0
        for ups, lows in zip(ends[upper], ends[lower], strict=True):
            j = 0
            for up in ups:
                while j < len(lows) and lows[j] < up:
                    j += 1
                total += j
        return total

    for _ in range(4):
        changed = False
        for i in range(len(column) - 1):
            if between(column[i], column[i + 1]) > between(column[i + 1], column[i]):
                column[i], column[i + 1] = column[i + 1], column[i]
                changed = True
        if not changed:
            break
    place.update((key, i) for i, key in enumerate(column))
