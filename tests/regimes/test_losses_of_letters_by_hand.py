"""The losses of the regimes on letters and of stacking, written by hand in PyTorch, as in `test_losses_by_hand.py`."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from learningdiagrams.regimes import find
from learningdiagrams.regimes.few_shot import glued
from tests.regimes.by_hand import compare, convs, mlp, moved

pytest.importorskip("sklearn")
pytest.importorskip("PIL")
pytest.importorskip("matplotlib")


def seeing(width: int, *after: nn.Module) -> nn.Sequential:
    """The encoder of pictures."""
    trunk = convs(1, 16, 32, 32, pools=(1, 2, 2), strides=(2, 1, 1))
    return nn.Sequential(trunk, nn.Flatten(), nn.Linear(288, width), *after)


class Read(nn.Sequential):
    """Words in both directions, the largest of each feature over time."""

    def __init__(self) -> None:
        super().__init__(nn.GRU(64, 64, bidirectional=True, batch_first=True), nn.Linear(128, 64))

    def forward(self, words: Tensor) -> Tensor:  # type: ignore[override]
        return self[1](self[0](words)[0].amax(1))


def test_clip(backend: str):
    def loss(b, m):
        seen = F.normalize(m.see(b["picture"]), dim=1)
        read = F.normalize(m.read(m.word(b["name"])), dim=1)
        scores, own = seen @ read.T / 0.07, torch.arange(len(seen))
        meet = (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2
        return {"meet": (1, meet, ["see", "word", "read"])}

    compare("clip", backend, {"see": seeing(64), "word": nn.Embedding(307, 64), "read": Read()}, loss)


class Say(nn.Sequential):
    """The next word after each word, from the words so far and from what was seen."""

    def __init__(self) -> None:
        super().__init__(nn.GRU(192, 128, batch_first=True), nn.Linear(128, 307))

    def forward(self, words: Tensor, state: Tensor) -> Tensor:  # type: ignore[override]
        every = torch.cat((words, state[:, None].expand(-1, words.shape[1], -1)), 2)
        return self[1](self[0](every, state[None])[0])


def test_captioning(backend: str):
    def loss(b, m):
        said = m.say(m.word(b["before"]), m.see(b["picture"]))
        return {"caption": (1, F.cross_entropy(said.flatten(0, 1), b["after"].flatten()), ["see", "word", "say"])}

    compare("captioning", backend, {"see": seeing(128, nn.Tanh()), "word": nn.Embedding(307, 64), "say": Say()}, loss)


class Residual(nn.Sequential):
    """x + f(x)."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return x + super().forward(x)


def translator() -> nn.Sequential:
    def conv(inputs: int, outputs: int) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, 3, padding=1)

    first = nn.Sequential(conv(1, 12), nn.ReLU(), conv(12, 12), nn.ReLU())
    middle = Residual(nn.Sequential(conv(12, 12), nn.ReLU()), nn.Sequential(conv(12, 12)))
    return nn.Sequential(Residual(first, middle, nn.Sequential(conv(12, 12), conv(12, 1))), nn.ReLU())


def critic() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(16, 32, 4, 2, 1),
        nn.InstanceNorm2d(32),
        nn.LeakyReLU(0.2),
        nn.Conv2d(32, 32, 4, 2, 1),
        nn.InstanceNorm2d(32),
        nn.LeakyReLU(0.2),
        nn.Conv2d(32, 1, 3, padding=1),
    )


def test_cyclegan(backend: str):
    def loss(b, m):
        sans, bold = b["sans"], b["bold"]
        heavier, lighter = m.embolden(sans), m.lighten(bold)
        both = ["embolden", "lighten"]

        def against(scores: Tensor, wanted: float) -> Tensor:
            return ((scores - wanted) ** 2).mean()

        return {
            "there": (5, F.l1_loss(m.lighten(heavier), sans), both),
            "back": (5, F.l1_loss(m.embolden(lighter), bold), both),
            "still_bold": (2, F.l1_loss(m.embolden(bold), bold), ["embolden"]),
            "still_sans": (2, F.l1_loss(m.lighten(sans), sans), ["lighten"]),
            "fool_bold": (1, against(m.of_bold(heavier), 1), ["embolden"]),
            "spot_bold": (1, against(m.of_bold(heavier), 0), ["of_bold"]),
            "known_bold": (1, against(m.of_bold(bold), 1), ["of_bold"]),
            "fool_sans": (1, against(m.of_sans(lighter), 1), ["lighten"]),
            "spot_sans": (1, against(m.of_sans(lighter), 0), ["of_sans"]),
            "known_sans": (1, against(m.of_sans(sans), 1), ["of_sans"]),
        }

    maps = {"embolden": translator(), "lighten": translator(), "of_bold": critic(), "of_sans": critic()}
    compare("cyclegan", backend, maps, loss, double=True)


def test_stacking(backend: str):
    def loss(b, m):
        def says(k: str, rows: Tensor) -> Tensor:
            return torch.cat((getattr(m, f"line{k}")(rows), getattr(m, f"deep{k}")(rows)), 1)

        made = {}
        for k, rows, values in (("", "row", "value"), *((f"{k}", f"rest{k}", f"told{k}") for k in (1, 2, 3))):
            for base in ("line", "deep"):
                made[f"fit_{base}{k}"] = (1, F.mse_loss(getattr(m, base + k)(b[rows]), b[values]), [base + k])
        for k in ("1", "2", "3"):
            combined = F.mse_loss(m.stack(says(k, b[f"held{k}"])), b[f"true{k}"])
            made[f"combine{k}"] = (1, combined, ["stack", f"line{k}", f"deep{k}"])
        made["combine"] = (1, F.mse_loss(m.naive(says("", b["row"])), b["value"]), ["naive", "line", "deep"])
        return made

    maps: dict[str, nn.Module] = {name: nn.Linear(2, 1) for name in ("stack", "naive")}
    for k in ("", "1", "2", "3"):
        maps[f"line{k}"] = nn.Linear(10, 1)
        maps[f"deep{k}"] = nn.Sequential(*(nn.Tanh() if isinstance(x, nn.ReLU) else x for x in mlp(10, 128, 128, 1)))
    compare("stacking", backend, maps, loss)


def trunk() -> nn.Sequential:
    """The backbone that tasks share."""
    seeing = convs(1, 32, 64, 64, pools=(1, 2, 2), strides=(2, 1, 1))
    return nn.Sequential(seeing, nn.Flatten(), nn.Linear(576, 64))


def test_few_shot(backend: str):
    ends = ("", "_2", "_3")

    def loss(b, m):
        made = {}
        for end in ends:
            seen = m.trunk(moved(b[f"picture{end}"], b[f"jolt{end}"], 2))
            value = F.cross_entropy(getattr(m, f"head{end}")(seen), b[f"letter{end}"])
            made[f"name{end}"] = (1, value, ["trunk", f"head{end}"])
        return made

    maps: dict[str, nn.Module] = {"trunk": trunk(), **{f"head{end}": nn.Linear(64, 20) for end in ends}}
    compare("few_shot", backend, maps, loss, diagram=glued(find("few_shot").text(), tasks=len(ends)))


def test_prototypes(backend: str):
    def loss(b, m):
        shown, own = m.trunk(moved(b["shown"], b["jolt"], 2)), torch.arange(len(b["shown"]))
        made = {}
        for k in ("1", "2", "3", "4"):
            asked = m.trunk(moved(b[f"asked{k}"], b[f"jolt{k}"], 2))
            distances = ((asked[:, None] - shown) ** 2).sum(2)
            made[f"near{k}"] = (0.25, F.cross_entropy(-distances, own), ["trunk"])
        return made

    compare("prototypes", backend, {"trunk": trunk()}, loss, double=True)
