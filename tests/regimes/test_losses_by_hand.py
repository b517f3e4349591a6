"""Each regime's loss, written by hand in PyTorch: the same total and gradients on one batch, on both backends."""

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.regimes.by_hand import compare, convs, encoder, mlp, moved, normed

pytest.importorskip("sklearn")


@pytest.mark.parametrize("variant", [None, "teachers"])
def test_distillation(backend: str, variant: str | None):
    ends = ("",) if variant is None else ("", "_2", "_3")

    def loss(b, m):
        said = F.log_softmax(m.student(b["image"]) / 4, 1)
        made = {
            "hard": (0.1, F.cross_entropy(m.student(b["few"]), b["fewdigit"]), ["student"]),
            "labels": (1, F.cross_entropy(m.alone(b["few"]), b["fewdigit"]), ["alone"]),
        }
        for end in ends:
            told = getattr(m, f"teacher{end}")(b["image"])
            soft = F.kl_div(said, F.log_softmax(told / 4, 1), log_target=True, reduction="batchmean")
            made[f"lesson{end}"] = (1, F.cross_entropy(told, b["digit"]), [f"teacher{end}"])
            made[f"soft{end}"] = (0.9 / len(ends), 16 * soft, ["student"])
        return made

    maps: dict[str, nn.Module] = {"student": mlp(64, 64, 10), "alone": mlp(64, 64, 10)}
    for end in ends:
        seeing = convs(1, 32, 32, 64, pools=(1, 2, 2))
        maps[f"teacher{end}"] = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), seeing, nn.Flatten(), nn.Linear(256, 10))
    compare("distillation", backend, maps, loss, variant=variant)


def test_fitnets(backend: str):
    def half(inputs: int, *after: nn.Module) -> nn.Sequential:
        parts = [part for i in (inputs, 8, 8, 8) for part in (nn.Conv2d(i, 8, 3, 1, 1), nn.ReLU())]
        return nn.Sequential(*before(inputs), nn.Sequential(*parts, nn.MaxPool2d(2)), *after)

    def before(inputs: int) -> list[nn.Module]:
        return [nn.Unflatten(1, (1, 8, 8))] if inputs == 1 else []

    def loss(b, m):
        x, few = b["image"], b["few"]
        hint, guided, led = m.below(x), m.guide(x), m.lead(x)
        told = m.above(hint)

        def soft(said: Tensor) -> Tensor:
            logs = F.log_softmax(said / 4, 1), F.log_softmax(told / 4, 1)
            return 16 * F.kl_div(*logs, log_target=True, reduction="batchmean")

        return {
            "lesson": (1, F.cross_entropy(told, b["digit"]), ["below", "above"]),
            "hint": (1, F.mse_loss(m.regressor(guided), hint), ["guide", "regressor"]),
            "soft": (0.9, soft(m.rest(guided)), ["guide", "rest"]),
            "hard": (0.1, F.cross_entropy(m.rest(m.guide(few)), b["label"]), ["guide", "rest"]),
            "gentle": (0.9, soft(m.tail(led)), ["lead", "tail"]),
            "strict": (0.1, F.cross_entropy(m.tail(m.lead(few)), b["label"]), ["lead", "tail"]),
        }

    end = nn.Flatten(), nn.Linear(32, 10)
    maps = {
        "below": nn.Sequential(*before(1), convs(1, 32, 32, pools=(1, 2))),
        "above": nn.Sequential(convs(32, 64, pools=(2,)), nn.Flatten(), nn.Linear(256, 10)),
        "regressor": nn.Conv2d(8, 32, 1),
    }
    maps |= {"guide": half(1), "rest": half(8, *end), "lead": half(1), "tail": half(8, *deepcopy(end))}
    compare("fitnets", backend, maps, loss)


def test_autoencoder(backend: str):
    def loss(b, m):
        return {"back": (1, F.mse_loss(m.decode(m.encode(b["image"])), b["image"]), ["encode", "decode"])}

    compare("autoencoder", backend, {"encode": mlp(64, 128, 16), "decode": mlp(16, 128, 64)}, loss)


def test_denoising(backend: str):
    def loss(b, m):
        clean = F.mse_loss(m.decode(m.encode(b["image"] + b["grain"])), b["image"])
        plain = F.mse_loss(m.grow(m.shrink(b["image"])), b["image"])
        return {"clean": (1, clean, ["encode", "decode"]), "plain": (1, plain, ["shrink", "grow"])}

    maps = {name: mlp(64, 128, 32) for name in ("encode", "shrink")}
    compare("denoising", backend, maps | {name: mlp(32, 128, 64) for name in ("decode", "grow")}, loss)


def test_equivariance(backend: str):
    def loss(b, m):
        x = b["image"]
        turned = x.reshape(-1, 8, 8).rot90(1, (1, 2)).reshape(-1, 64)
        z = m.encode(x)
        cycled = torch.cat((z[:, 24:], z[:, :24]), 1)
        both = (F.mse_loss(m.decode(z), x) + F.mse_loss(m.decode(m.encode(turned)), turned)) / 2
        return {
            "back": (1, both, ["encode", "decode"]),
            "equivariant": (1, F.mse_loss(m.encode(turned), cycled), ["encode"]),
            "turned": (1, F.mse_loss(m.decode(cycled), turned), ["encode", "decode"]),
        }

    compare("equivariance", backend, {"encode": mlp(64, 128, 32), "decode": mlp(32, 128, 64)}, loss)


class Put(nn.Sequential):
    """A picture, and the class it is to be changed to."""

    def __init__(self) -> None:
        super().__init__(*mlp(74, 256, 256, 64), nn.Sigmoid())

    def forward(self, x: Tensor, v: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(torch.cat((x, v), 1))


@pytest.mark.parametrize("variant", [None, "collusion"])
def test_manipulator(backend: str, variant: str | None):
    def loss(b, m):
        x, v, grain = b["image"], b["asked"], b["grain"] if variant is None else 0
        written = m.put(x, v)
        read = m.get(x).softmax(1)
        moved = ["put"] if variant is None else ["get", "put"]
        return {
            "classify": (1, F.cross_entropy(m.get(x + grain), b["label"]), ["get"]),
            "putget": (1, F.cross_entropy(m.get(written + grain), v), moved),
            "getput": (10, F.mse_loss(m.put(x, read), x), moved),
            "undo": (10, F.mse_loss(m.put(written, read), x), moved),
            "lesson": (1, F.cross_entropy(m.judge(x), b["label"]), ["judge"]),
        }

    judge = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), convs(1, 16, 32, pools=(2, 2)), nn.Flatten(), nn.Linear(128, 10))
    compare("manipulator", backend, {"get": mlp(64, 128, 64, 10), "put": Put(), "judge": judge}, loss, variant=variant)


def views(b: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Two views of each picture."""
    return moved(b["image"], b["here"], 2) + b["grain"], moved(b["image"], b["there"], 2) + b["dust"]


def agreement(m, one: Tensor, two: Tensor, wanted: tuple[Tensor, Tensor]):
    """Each of two projected views predicts what is wanted of the other."""
    models = ["encode", "project", "predict"]
    return {
        "one": (0.5, (1 - F.cosine_similarity(m.predict(one), wanted[1])).mean(), models),
        "two": (0.5, (1 - F.cosine_similarity(m.predict(two), wanted[0])).mean(), models),
    }


@pytest.mark.parametrize("variant", [None, "no-stop"])
def test_simsiam(backend: str, variant: str | None):
    def loss(b, m):
        one, two = (m.project(m.encode(view)) for view in views(b))
        return agreement(m, one, two, (one, two) if variant else (one.detach(), two.detach()))

    project = nn.Sequential(normed(128, 64, 64), nn.BatchNorm1d(64))
    maps = {"encode": encoder(), "project": project, "predict": normed(64, 32, 64)}
    compare("simsiam", backend, maps, loss, variant=variant)


@pytest.mark.parametrize("variant", [None, "no-average"])
def test_byol(backend: str, variant: str | None):
    def loss(b, m):
        # Averages start as copies, and evaluate.
        target = nn.Sequential(deepcopy(m.encode), deepcopy(m.project)).eval()
        one, two = (m.project(m.encode(view)) for view in views(b))
        return agreement(m, one, two, (one, two) if variant else tuple(target(view).detach() for view in views(b)))

    maps = {"encode": encoder(), "project": normed(128, 64, 64), "predict": normed(64, 64, 64)}
    compare("byol", backend, maps, loss, variant=variant)


def test_mean_teacher(backend: str):
    def loss(b, m):
        few = (moved(b["few"], b["nudge"], 1) + b["sand"]).flatten(1)
        one = (moved(b["image"], b["here"], 1) + b["grain"]).flatten(1)
        two = (moved(b["image"], b["there"], 1) + b["dust"]).flatten(1)
        # At the start the teacher is the student; no gradient reaches it.
        taught = m.student[1](two).detach().softmax(1)
        return {
            "labels": (1, F.cross_entropy(m.student[1](few), b["label"]), ["student"]),
            "agree": (20 * 3 / 300, F.mse_loss(m.student[1](one).softmax(1), taught), ["student"]),
            "lesson": (1, F.cross_entropy(m.alone[1](few), b["label"]), ["alone"]),
        }

    maps = {name: nn.Sequential(nn.Flatten(), mlp(64, 256, 128, 10)) for name in ("student", "alone")}
    compare("mean_teacher", backend, maps, loss)


def test_vae(backend: str):
    def loss(b, m):
        x, models = b["image"], ["centre", "spread"]
        mean, log = m.centre(x), m.spread(x)
        said = m.decode(mean + (log / 2).exp() * b["grain"])
        prior = torch.distributions.kl_divergence(
            torch.distributions.Normal(mean, (log / 2).exp()), torch.distributions.Normal(0.0, 1.0)
        )
        rebuild = F.binary_cross_entropy_with_logits(said, x, reduction="none").sum(1).mean()
        return {"rebuild": (1, rebuild, [*models, "decode"]), "prior": (1, prior.sum(1).mean(), models)}

    maps = {"centre": mlp(64, 128, 8), "spread": mlp(64, 128, 8), "decode": mlp(8, 128, 64)}
    compare("vae", backend, maps, loss)


def test_mutual_learning(backend: str):
    def loss(b, m):
        students = [m.student, m.student_2, m.student_3]
        names = ["student", "student_2", "student_3"]
        said = [student(b["image"]).log_softmax(1) for student in students]
        made = {}
        for i, (name, student) in enumerate(zip(names, students, strict=True)):
            end = f"_{i + 1}" * bool(i)
            made[f"lesson{end}"] = (1, F.cross_entropy(student(b["few"]), b["label"]), [name])
        pairs = [(i, j) for i in range(3) for j in range(3) if i != j]
        for k, (i, j) in enumerate(pairs):
            value = F.kl_div(said[i], said[j], log_target=True, reduction="batchmean")
            made[f"agree_{k + 1}" if k else "agree"] = (1, value, [names[i]])
        return made

    compare("mutual_learning", backend, {n: mlp(64, 64, 10) for n in ("student", "student_2", "student_3")}, loss)
