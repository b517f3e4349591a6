"""How often arrows cross where Graphviz's dot draws the same graphs: the counts that ours are held against.

`python -m tests.drawing.graphviz` draws every case with the `dot` on this machine and writes
`tests/data/graphviz_crossings.json`. dot is given the vertices in their order with the sizes that they have here, the
arrows and wires with their labels, `rankdir=LR`, and sample objects as `rank=source`; its splines are counted by
`geometry.crossed`, which counts ours.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from learningdiagrams.diagram import Diagram
from learningdiagrams.drawing.graph import Graph, graph_of
from learningdiagrams.drawing.picture import Point
from learningdiagrams.drawing.places import size
from learningdiagrams.language import load
from tests.drawing.cases import TEXTS, case, many_tasks, scattered
from tests.drawing.geometry import crossed

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests" / "data" / "graphviz_crossings.json"
RANDOM = 200


def files() -> dict[str, Path]:
    """The gallery and the examples, by name."""
    found = [*(ROOT / "learningdiagrams" / "regimes").glob("*.diagram"), *(ROOT / "examples").glob("*.diagram")]
    return {f"{path.parent.name}/{path.stem}": path for path in sorted(found)}


def named(name: str) -> Diagram:
    """The diagram of a case: a file's, one of those that are drawn in the tests, or `random` with a number."""
    kind, _, rest = name.partition("/")
    if kind == "random":
        return scattered(int(rest))
    if kind == "tasks":
        return many_tasks(int(rest))
    return case(rest) if kind == "case" else load(files()[name])


def names() -> Iterator[str]:
    yield from files()
    yield from (f"case/{name}" for name in TEXTS)
    yield from ("tasks/5", "tasks/12")
    yield from (f"random/{seed}" for seed in range(RANDOM))


def written(graph: Graph) -> str:
    """A graph in dot's language."""
    keys = {key: f"n{i}" for i, key in enumerate(graph.vertices)}
    lines = ["digraph {", 'rankdir=LR; node [shape=box, fixedsize=true, label=""]; edge [fontsize=13];']
    for key, vertex in graph.vertices.items():
        wide, high = size(vertex)
        lines.append(f"{keys[key]} [width={wide / 72:.3f}, height={high / 72:.3f}];")
    samples = [keys[key] for key, vertex in graph.vertices.items() if vertex.kind == "sample"]
    if samples:
        lines.append(f"{{ rank=source; {'; '.join(samples)} }}")
    for edge in graph.edges:
        label = edge.label.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'{keys[edge.source]} -> {keys[edge.target]} [label="{label}"];')
    return "\n".join([*lines, "}"])


def drawn(graph: Graph) -> list[list[Point]]:
    """The curves of dot's arrows."""
    run = subprocess.run(["dot", "-Tjson"], input=written(graph), capture_output=True, text=True, check=True)
    found = []
    for edge in json.loads(run.stdout).get("edges", ()):
        points, tip = [], None
        for word in edge["pos"].split():
            place = word.split(",")
            if place[0] == "e":
                tip = (float(place[1]), float(place[2]))
            else:
                points.append((float(place[0]), float(place[1])))
        found.append(points if tip is None else [*points, points[-1], tip, tip])
    return found


def measured(name: str) -> tuple[int, int, int]:
    """Vertices, arrows and wires, and crossings in dot's drawing."""
    graph = graph_of(named(name))
    return len(graph.vertices), len(graph.edges), crossed(drawn(graph))


def version() -> str:
    return subprocess.run(["dot", "-V"], capture_output=True, text=True, check=True).stderr.strip()


def record() -> None:
    rows = ",\n".join(f"    {json.dumps(name)}: {json.dumps(measured(name))}" for name in names())
    RECORDED.write_text(
        f'{{\n  "made by": "python -m tests.drawing.graphviz",\n  "with": {json.dumps(version())},\n'
        f'  "vertices, arrows, crossings": {{\n{rows}\n  }}\n}}\n',
        encoding="utf-8",
    )


if __name__ == "__main__":
    record()
