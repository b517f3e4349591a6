"""Columns: which vertices stand above each other.

The layered method of Sugiyama, Tagawa and Toda (*Methods for visual understanding of hierarchical system
structures*, IEEE Trans. SMC 11(2), 1981): break cycles, take longest paths for columns, sweep with
barycentres for the order within them. Sample objects stand in the first column. Objects of one cycle that
data enter (the two sides of a cycle-consistent pair) share a column, and so do the vertical sides of
commuting squares.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from learningdiagrams.drawing.graph import Edge, Graph
from learningdiagrams.drawing.orders import crossings, ordered

__all__ = ["Columns", "Kind", "Ranks", "arrange", "components", "crossings"]

Kind = Literal["pairs", "squares", "free"]
Ranks = Literal["early", "late", "short"] | int


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


def arrange(graph: Graph, kind: Kind = "pairs", *, ranks: Ranks = "early", greedy: bool = False) -> Columns:
    """The columns of a graph, and the order within them.

    Args:
        kind: which vertices are made to share a column: `pairs` is the two sides of a cycle and those of squares,
            `squares` those of squares alone, `free` none.
        ranks: vertices stand as far to the left as their arrows allow, or to the right (`late`), or where their
            arrows are `short`; a number stands for a choice between all of these by chance.
        greedy: cycles are broken where that turns round few arrows, instead of where a walk from the left meets them.
    """
    proper = [edge for edge in graph.edges if edge.source != edge.target]
    group = _together(graph, proper, kind)
    column = _columns(graph, proper, group, ranks, greedy)
    order: list[list[object]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for key in graph.vertices:
        order[column[key]].append(key)
    bends: dict[str, tuple[tuple[str, int], ...]] = {}
    pairs: list[tuple[object, object]] = []
    vertical: list[tuple[object, object]] = []
    for edge in proper:
        start, end = column[edge.source], column[edge.target]
        if start == end:
            vertical.append((edge.source, edge.target))
            continue
        step = 1 if start < end else -1
        between = [(edge.key, c) for c in range(start + step, end, step)]
        for bend in between:
            order[bend[1]].append(bend)
        if between:
            bends[edge.key] = tuple(between)
        chain = [edge.source, *between, edge.target]
        pairs += [(a, b) if step > 0 else (b, a) for a, b in itertools.pairwise(chain)]
    return Columns(tuple(map(tuple, ordered(order, pairs, vertical))), column, bends, tuple(pairs))


# Columns ----------------------------------------------------------------------------------------------------


def _together(graph: Graph, edges: Sequence[Edge], kind: Kind) -> dict[str, str]:
    """For each vertex a representative of those that share its column."""
    parent = {key: key for key in graph.vertices}
    if kind == "free":
        return parent

    def find(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    after = defaultdict(list)
    for edge in edges:
        after[edge.source].append(edge.target)
    component = components(graph.vertices, after)
    entered: dict[int, dict[str, str]] = defaultdict(dict)
    for edge in edges:
        if edge.role == "data" and kind == "pairs":
            # The two sides of a cycle that different data enter, one each.
            entered[component[edge.target]].setdefault(edge.source, edge.target)
    for members in entered.values():
        first, *others = members.values()
        for other in others:
            parent[find(other)] = find(first)
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


def _columns(
    graph: Graph, edges: Sequence[Edge], group: Mapping[str, str], ranks: Ranks, greedy: bool
) -> dict[str, int]:
    """The column of each vertex: that of its group by the longest path to it, cycles broken."""
    after: dict[str, list[str]] = {key: [] for key in dict.fromkeys(group.values())}
    for edge in edges:
        one, two = group[edge.source], group[edge.target]
        if one != two:
            after[one].append(two)
    samples = dict.fromkeys(group[key] for key, v in graph.vertices.items() if v.kind == "sample")
    topological = (_greedily if greedy else _walked)(after, samples)
    number = {key: i for i, key in enumerate(topological)}
    forward: dict[str, list[str]] = {key: [] for key in after}
    backward: dict[str, list[str]] = {key: [] for key in after}
    for one, others in after.items():
        for two in others:
            first, second = (one, two) if number[one] < number[two] else (two, one)
            forward[first].append(second)
            backward[second].append(first)
    level = dict.fromkeys(after, 0)
    for node in topological:
        for other in forward[node]:
            level[other] = max(level[other], level[node] + 1)
    # What nothing leads to stands just before what it leads to; sample objects stay in front.
    for node in after:
        if not backward[node] and node not in samples and forward[node]:
            level[node] = min(level[other] for other in forward[node]) - 1
    if ranks == "late":
        last = max(level.values(), default=0)
        for node in reversed(topological):
            if node not in samples:
                level[node] = min((level[other] - 1 for other in forward[node]), default=last)
    elif isinstance(ranks, int):
        chance, most = random.Random(ranks), max(level.values(), default=0) + 1
        for node in reversed(topological):
            high = min((level[other] - 1 for other in forward[node]), default=most)
            if node not in samples:
                level[node] = chance.randint(min(level[node], high), high)
    for _ in range(8 if ranks == "short" else 0):
        if not _shortened(topological, level, forward, backward, samples):
            break
    # Columns that nothing stands in any more are left out.
    kept = {value: i for i, value in enumerate(sorted(set(level.values())))}
    return {key: kept[level[group[key]]] for key in graph.vertices}


def _walked(after: Mapping[str, Sequence[str]], samples: Mapping[str, object]) -> list[str]:
    """The vertices in an order in which a walk in depth from sample objects, then from sources, turns round what
    leads back.
    """
    entered = {other for others in after.values() for other in others}
    finished: list[str] = []
    seen: set[str] = set()
    for root in (*samples, *(key for key in after if key not in entered), *after):
        if root in seen:
            continue
        seen.add(root)
        work = [(root, iter(after[root]))]
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in seen:
                    seen.add(other)
                    work.append((other, iter(after[other])))
                    break
            else:
                finished.append(node)
                work.pop()
    return finished[::-1]


def _greedily(after: Mapping[str, Sequence[str]], samples: Mapping[str, object]) -> list[str]:
    """The vertices in an order that few arrows run against (Eades, Lin and Smyth, *A fast and effective heuristic for
    the feedback arc set problem*, 1993), sample objects first.
    """
    before: dict[str, list[str]] = {key: [] for key in after}
    for one, others in after.items():
        for two in others:
            before[two].append(one)
    left, right, rest = list(samples), [], [key for key in after if key not in samples]
    while rest:
        alive = set(rest)
        outs = {key: sum(other in alive for other in after[key]) for key in rest}
        ins = {key: sum(other in alive for other in before[key]) for key in rest}
        sinks = [key for key in rest if not outs[key]]
        sources = [key for key in rest if not ins[key]]
        if sinks:
            right += sinks
            gone = set(sinks)
        elif sources:
            left += sources
            gone = set(sources)
        else:
            best = max(rest, key=lambda key: outs[key] - ins[key])
            left.append(best)
            gone = {best}
        rest = [key for key in rest if key not in gone]
    return left + right[::-1]


def _shortened(
    topological: Sequence[str],
    level: dict[str, int],
    forward: Mapping[str, Sequence[str]],
    backward: Mapping[str, Sequence[str]],
    samples: Mapping[str, object],
) -> bool:
    """Moves each vertex to the median of its neighbours, as far as the direction of its arrows allows."""
    changed = False
    for node in reversed(topological):
        near = sorted([level[other] + 1 for other in backward[node]] + [level[other] - 1 for other in forward[node]])
        if node in samples or not near:
            continue
        low = max((level[other] + 1 for other in backward[node]), default=near[0])
        high = min((level[other] - 1 for other in forward[node]), default=near[-1])
        wanted = min(max(near[len(near) // 2], low), high)
        if wanted != level[node]:
            level[node], changed = wanted, True
    return changed
