"""BYOL on digits that stand anywhere: figures of `byol.diagram`; its data and judge are SimSiam's."""

from __future__ import annotations

from learningdiagrams.regimes.base import Figure, Regime, Variant
from learningdiagrams.regimes.simsiam import canvases, probes

__all__ = ["REGIME"]

_ONLINE = {
    "((image & there) >> move & dust) >> plus >> follow >> place": (
        "((image & there) >> move & dust) >> plus >> encode >> project"
    ),
    "((image & here) >> move & grain) >> plus >> follow >> place": (
        "((image & here) >> move & grain) >> plus >> encode >> project"
    ),
}

REGIME = Regime(
    name="byol",
    title="BYOL",
    data=canvases,
    judge=probes,
    figures=(
        Figure("few", "logistic probe, 100 labels: test accuracy", by_hand=(0.397, 0.021)),
        Figure("random_few", "the same on the untrained net"),
        Figure("gain", "trained minus untrained, 100 labels", by_hand=(0.029, 0.013)),
        Figure("all", "logistic probe, all labels: test accuracy", least=0.72, by_hand=(0.774, 0.020)),
        Figure("random_all", "the same on the untrained net", by_hand=(0.619,)),
        Figure(
            "spread",
            "spread of the projected points: 1 all over the sphere, 0 collapsed",
            least=0.6,
            by_hand=(0.778, 0.024),
        ),
    ),
    training={"batch_size": 128, "optimizer": "momentum", "lr": 0.1},
    source="Grill et al. 2020, Bootstrap Your Own Latent (arXiv 2006.07733)",
    claim="Codes learned by predicting what a moving average of oneself says of another view tell the digits apart "
    "better than an untrained net's.",
    caution="One point for all pictures meets both goals, as `check` foretells; the average removes no solution, it "
    "keeps descent from sliding there. Averages evaluate here, so that their batch norm takes running statistics.",
    variants=(
        Variant(
            "no-average",
            "both sides are the online maps, and gradients pass on both",
            _ONLINE,
            shows=("spread", "few", "all"),
        ),
    ),
)
