"""Interpretations: one learning diagram found inside another.

An interpretation of D₁ in D₂ is a functor of their presentations that respects what a learning diagram says
besides: roles, laws and goals.

- Each law and each goal of D₁ goes to an equation that D₂'s laws and goals prove, as if each goal held. A goal
  that plays against others proves nothing and is proved by nothing: it goes to a goal that D₂ plays, moved by the
  models in the images of its own.
- A declared shape is a type: an object goes to one whose declaration agrees
  (:mod:`learningdiagrams.interpretation.shapes`).
- Objects and generators go where their roles allow (:mod:`learningdiagrams.interpretation.roles`): sample
  objects to sample objects, data to composites of data, fixed maps to fixed composites, a model to a composite
  with at least one parameterised map in it; or else an autoencoder would be found in everything, as two
  identities.

Then a trained D₂ gives a trained D₁ without training, by pulling it back.

>>> from learningdiagrams.language import loads
>>> supervised = loads('''
... diagram Supervised
... object Sample, Image, Label
... data  images     : Sample -> Image
... data  labels     : Sample -> Label
... model classifier : Image -> Label
... goal  fit : images >> classifier = labels by cross_entropy
... ''')
>>> shared = loads('''
... diagram Shared
... object Sample, Image, Feature, Label
... data  images   : Sample -> Image
... data  labels   : Sample -> Label
... model backbone : Image -> Feature
... model head     : Feature -> Label
... goal  classify : images >> backbone >> head = labels by cross_entropy
... ''')
>>> i = interpret(supervised, shared, morphisms={"classifier": "backbone >> head"})
>>> i.failures(), i(supervised.parse("images >> classifier"))
([], images >> backbone >> head)
>>> print(i.proofs()["fit"][0])
images >> backbone >> head
  = labels    by classify: images >> backbone >> head -> labels
>>> nothing = interpret(supervised, shared, {"Label": "Image"}, {"labels": "images", "classifier": "id(Image)"})
>>> print(nothing.failures()[0])
`classifier` is a model in Supervised, but its image `id(Image)` has no map with parameters in it; a model goes to a
composite of maps, at least one of them with parameters
"""

from learningdiagrams.interpretation.interpretations import (
    Claim,
    Interpretation,
    claims,
    interpret,
    is_played,
)

__all__ = [
    "Claim",
    "Interpretation",
    "claims",
    "interpret",
    "is_played",
]
