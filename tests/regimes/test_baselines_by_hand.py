"""Whole regimes by hand in PyTorch, trained and judged: what the figures `by_hand` of FitNets and of BYOL come from."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from statistics import mean

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from learningdiagrams.regimes import find
from learningdiagrams.regimes.digits import digits
from learningdiagrams.regimes.simsiam import probe
from tests.regimes.by_hand import convs, encoder, moved, normed

pytest.importorskip("sklearn")
pytestmark = pytest.mark.slow


def fit(groups: list[dict], loss: Callable[[Tensor], Tensor], rows: int, steps: int) -> None:
    """AdamW with a one-cycle rate for each group, on batches of 64 rows."""
    optimizer = torch.optim.AdamW(groups)
    rates = [group["lr"] for group in groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, cycle_momentum=False)
    for batch in batches(rows, 64, steps):
        value = loss(batch)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()


def batches(rows: int, size: int, steps: int) -> Iterable[Tensor]:
    """Rows shuffled again and again, until there were that many batches."""
    left = steps
    while True:
        for batch in torch.randperm(rows).split(size):
            if not left:
                return
            yield batch
            left -= 1


def fitnets(seed: int) -> tuple[float, float]:
    """Test accuracies of the student with its hint, and without."""
    torch.manual_seed(seed)
    image, digit, test, answer = digits(seed)
    x, y, few = torch.tensor(image).view(-1, 1, 8, 8), torch.tensor(digit), 50
    below, above = convs(1, 32, 32, pools=(1, 2)), nn.Sequential(convs(32, 64, pools=(2,)), nn.Flatten())
    teacher = nn.Sequential(below, above, nn.Linear(256, 10))
    rate = [{"params": list(teacher.parameters()), "lr": 3e-3}]
    fit(rate, lambda b: F.cross_entropy(teacher(x[b]), y[b]), len(x), 315)
    teacher.eval()

    def half(inputs: int, *after: nn.Module) -> nn.Sequential:
        parts = [part for i in (inputs, 8, 8, 8) for part in (nn.Conv2d(i, 8, 3, 1, 1), nn.ReLU())]
        return nn.Sequential(*parts, nn.MaxPool2d(2), *after)

    def distilled(student: nn.Module) -> float:
        def loss(b: Tensor) -> Tensor:
            with torch.no_grad():
                told = F.log_softmax(teacher(x[b]) / 4, 1)
            soft = F.kl_div(F.log_softmax(student(x[b]) / 4, 1), told, log_target=True, reduction="batchmean")
            return 0.9 * 16 * soft + 0.1 * F.cross_entropy(student(x[:few]), y[:few])

        fit([{"params": list(student.parameters()), "lr": 5e-3}], loss, len(x), 200)
        with torch.no_grad():
            said = student(torch.tensor(test).view(-1, 1, 8, 8))
        return float((said.argmax(1) == torch.tensor(answer)).float().mean())

    guide, regressor = half(1), nn.Conv2d(8, 32, 1)

    def hint(b: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = below(x[b])
        return F.mse_loss(regressor(guide(x[b])), wanted)

    groups = [{"params": list(part.parameters()), "lr": lr} for part, lr in ((guide, 5e-3), (regressor, 5e-2))]
    fit(groups, hint, len(x), 400)
    rest = nn.Sequential(nn.Flatten(), nn.Linear(32, 10))
    hinted = distilled(nn.Sequential(guide, half(8, *rest)))
    return hinted, distilled(nn.Sequential(half(1), half(8, *deepcopy(rest))))


def byol(seed: int) -> tuple[float, float]:
    """Test accuracy of a probe with all labels on the codes, trained and untrained."""
    torch.manual_seed(seed)
    split = find("simsiam").data(seed)
    x, test = (torch.tensor(part["image"]) for part in (split.train, split.test))
    encode, project, predict = encoder(), normed(128, 64, 64), normed(64, 64, 64)
    untrained = deepcopy(encode)
    online = nn.Sequential(encode, project)
    target = deepcopy(online).eval()
    optimizer = torch.optim.SGD([*online.parameters(), *predict.parameters()], 0.1, momentum=0.9)
    for b in batches(len(x), 128, 60 * 11):
        one, two = (moved(x[b], torch.rand(len(b), 2), 2) + 0.1 * torch.randn_like(x[b]) for _ in range(2))
        with torch.no_grad():
            wanted = target(two), target(one)
        said = predict(online(one)), predict(online(two))
        loss = sum((1 - F.cosine_similarity(a, w)).mean() / 2 for a, w in zip(said, wanted, strict=True))
        optimizer.zero_grad()
        torch.as_tensor(loss).backward()
        optimizer.step()
        with torch.no_grad():
            for mine, theirs in zip(target.state_dict().values(), online.state_dict().values(), strict=True):
                if mine.is_floating_point():
                    mine.lerp_(theirs, 0.01)
    found = []
    for net in (encode.eval(), untrained.eval()):
        with torch.no_grad():
            codes = net(x).numpy(), net(test).numpy()
        found.append(probe(codes[0], split.extra["classes"], codes[1], split.extra["answers"]))
    return found[0], found[1]


def figure(regime: str, name: str) -> float:
    """What the gallery says that it is by hand."""
    return next(figure.by_hand[0] for figure in find(regime).figures if figure.name == name)


def test_fitnets():
    hinted, plain = zip(*map(fitnets, range(3)), strict=True)
    assert mean(hinted) == pytest.approx(figure("fitnets", "hinted"), abs=0.02)
    assert mean(plain) == pytest.approx(figure("fitnets", "plain"), abs=0.05)


def test_byol():
    trained, untrained = zip(*map(byol, range(3)), strict=True)
    assert mean(trained) == pytest.approx(figure("byol", "all"), abs=0.05)
    assert mean(untrained) == pytest.approx(figure("byol", "random_all"), abs=0.05)
