"""Editing: diagrams changed before, during and after training, by edits that are values.

| edit | what it does | the functor |
|---|---|---|
| `add(text)` | declares more: maps, goals, laws, measures, stages | before → after, an inclusion |
| `remove(names…)` | takes declarations out | after → before, an inclusion |
| `restrict(names…)` | keeps these and what they are made of | after → before, an inclusion |
| `rename({old: new})` | gives other names | before → after, an isomorphism |
| `replace(name, by, declare)` | a generator becomes a composite | before → after |
| `fold(name, of, declare)` | a composite becomes a generator | after → before |
| `insert(declare, after=name)` | an adapter after a map, or before it | before → after |
| `tie(name, others…)` | generators become one | before → after |
| `untie(name, new, equations…)` | a generator becomes two | after → before, the one that ties |
| `freeze(names…)`, `thaw(names…)` | models are no longer trained, or again | before → after, the identity |
| `distil(declare, of, on)` | a new map and the goal that it be the composite | before → after, an inclusion |
| `rewrite(…)` | single declarations by others; what takes an edit back | as it says |
| `sequence(edits…)` | one after the other, also `e >> f` | composites |

An edit is made without a diagram, is done on any that it fits, compares and prints as what it says, and is saved as
that text or as JSON. What it gives is an :class:`Edited`: the new diagram, the functor, how numbers go over, and the
edit that takes it back.

>>> from learningdiagrams.language import loads
>>> d = loads('''
... object Sample, Image[64], Class[10]
... data  images     : Sample -> Image
... data  labels     : Sample -> Class
... model classifier : Image -> Class = mlp(64, 32, 10)
... goal  fit : images >> classifier = labels by cross_entropy
... ''')
>>> apart = replace("classifier", "backbone >> head", '''
... object Feature[32]
... model backbone : Image -> Feature = mlp(64, 32)
... model head : Feature -> Class = linear(32, 10)
... ''')
>>> e = edit(d, apart >> freeze("backbone"))
>>> print(e.diagram)
object Sample, Image[64], Class[10], Feature[32]
data   images   : Sample -> Image
data   labels   : Sample -> Class
frozen backbone : Image -> Feature = mlp(64, 32)
model  head     : Feature -> Class = linear(32, 10)
<BLANKLINE>
goal fit : images >> backbone >> head = labels   by cross_entropy
>>> e.functors[0](d["classifier"]), e.functors[0].failures()
(backbone >> head, [])
>>> edit(e.diagram, e.undo).diagram == d, loads_edit(dumps_edit(e.undo)) == e.undo
(True, True)
"""

from learningdiagrams.editing.edits import (
    EDITS,
    Edit,
    Edited,
    add,
    distil,
    dumps_edit,
    edit,
    fold,
    freeze,
    insert,
    loads_edit,
    remove,
    rename,
    replace,
    restrict,
    rewrite,
    sequence,
    thaw,
    tie,
    untie,
)
from learningdiagrams.editing.written import read_edits, write_edits

__all__ = [
    "EDITS",
    "Edit",
    "Edited",
    "add",
    "distil",
    "dumps_edit",
    "edit",
    "fold",
    "freeze",
    "insert",
    "loads_edit",
    "read_edits",
    "remove",
    "rename",
    "replace",
    "restrict",
    "rewrite",
    "sequence",
    "thaw",
    "tie",
    "untie",
    "write_edits",
]
