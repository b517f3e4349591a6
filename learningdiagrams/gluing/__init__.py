"""Gluing: diagrams made one along what they share.

The whole is the colimit of the parts' presentations (:mod:`learningdiagrams.theory.colimits`) along generators: each
shared generator is one generator in each part. What the parts say besides glues with it. Shared generators agree in
role and realisation, shared objects in shape and kind of number, shared goals in `by`, `weight`, `on` and `train`, or
else an error names both. Names of the left stay; a clashing name of the right becomes `name_2`. Noise keeps the numbers
that it had: they are drawn under the name that it was first declared with.

The legs are interpretations of the parts in the whole, which carry parameters: parameters of the whole are those of the
parts that agree on what is shared (a fibred product). With a common part whose goals are shared, the loss of the whole
is L₁ + L₂ − L₀.

>>> from learningdiagrams.language import loads
>>> digits, letters = (loads(f'''
... diagram {name}
... object Sample, Image[64], Feature[16], Class[{classes}]
... data  images   : Sample -> Image
... data  labels   : Sample -> Class
... model backbone : Image -> Feature = mlp(64, 32, 16)
... model head     : Feature -> Class
... goal  fit : images >> backbone >> head = labels by cross_entropy
... ''') for name, classes in (("Digits", 10), ("Letters", 26)))
>>> g = glue(digits, letters, share={"backbone": "backbone"})
>>> print(g.diagram)
diagram "Digits + Letters"
<BLANKLINE>
object Sample, Image[64], Feature[16], Class[10], Sample_2, Class_2[26]
data   images   : Sample -> Image
data   labels   : Sample -> Class
model  backbone : Image -> Feature    = mlp(64, 32, 16)
model  head     : Feature -> Class
data   images_2 : Sample_2 -> Image
data   labels_2 : Sample_2 -> Class_2
model  head_2   : Feature -> Class_2
<BLANKLINE>
goal fit   : images >> backbone >> head = labels         by cross_entropy
goal fit_2 : images_2 >> backbone >> head_2 = labels_2   by cross_entropy
>>> g.legs[1](letters["head"]), g.legs[1].failures(), g.collapses
(head_2, [], [])
"""

from learningdiagrams.gluing.colimits import (
    Gluing,
    Leg,
    colimit,
    glue,
)

__all__ = [
    "Gluing",
    "Leg",
    "colimit",
    "glue",
]
