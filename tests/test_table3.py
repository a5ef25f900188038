"""The optimizers of Table 3: three steps by hand after each paper's rule, and the defects that are guarded."""

from __future__ import annotations

import builtins
import copy
import io
import math

import pytest
import torch

from riskkit.optim import SLRLA, TABLE3, build
from riskkit.theory.zhou2021 import table3
from riskkit.theory.zhou2021.as_coded import distance, largest_beta, pace, round_factor

GRADIENTS = (0.5, -1.25, 2.0)
LR, WD = 0.1, 0.01


def by_hand(name, x, gradients, lr=LR, wd=WD, k=2, alpha=0.8, beta=0.3):
    """The papers' rules on one number; b1 = 0.9, b2 = 0.999."""
    m = v = 0.0
    slow = anchor = x
    path = []
    for t, g in enumerate(gradients, 1):
        if name in ("Adam", "AdaBound", "SGD", "SLA", "SLRLA"):
            g += wd * x
        if name in ("AdamW", "RAdam", "AdaBelief"):
            x -= lr * wd * x
        if name in ("SGD", "SLA", "SLRLA"):
            if name == "SLRLA":
                g += beta * (x - anchor)
            m = 0.9 * m + g
            x -= lr * m
            if name != "SGD" and t % k == 0:
                x = slow = (1 - alpha) * slow + alpha * x
            path.append(x)
            continue
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * ((g - m) ** 2 + 1e-16 / 0.001 if name == "AdaBelief" else g * g)
        c1, c2 = 1 - 0.9**t, 1 - 0.999**t
        match name:
            case "Adam" | "AdamW":
                x -= lr * (m / c1) / (math.sqrt(v / c2) + 1e-8)
            case "AdaBelief":
                x -= lr * (m / c1) / (math.sqrt(v / c2) + 1e-16)
            case "RAdam":
                top = 2 / (1 - 0.999) - 1
                rho = top - 2 * t * 0.999**t / c2
                if rho > 5:
                    r = math.sqrt((rho - 4) * (rho - 2) * top / ((top - 4) * (top - 2) * rho))
                    x -= lr * (m / c1) * r * math.sqrt(c2) / (math.sqrt(v) + 1e-8)
                else:
                    x -= lr * m / c1
            case "AdaBound":
                low, high = 0.1 * (1 - 1 / (0.001 * t + 1)), 0.1 * (1 + 1 / (0.001 * t))
                x -= min(max(lr * math.sqrt(c2) / c1 / (math.sqrt(v) + 1e-8), low), high) * m
        path.append(x)
    return path


def run(optimizer, p, gradients):
    path = []
    for g in gradients:
        p.grad = torch.tensor([g], dtype=torch.float64)
        optimizer.step()
        path.append(p.item())
    return path


def number(value=1.0):
    return torch.nn.Parameter(torch.tensor([value], dtype=torch.float64))


@pytest.mark.parametrize("name", TABLE3)
@pytest.mark.parametrize("steps", [3, 9])
def test_steps_by_hand(name, steps):
    """Nine steps reach both sides of RAdam's rho = 5. AdaBound adds 1e-15 under its root: 1e-12 of an update."""
    p, gradients = number(), (GRADIENTS * 3)[:steps]
    optimizer = build(name, [p], LR, WD, k=2, alpha=0.8, beta=0.3)
    assert run(optimizer, p, gradients) == pytest.approx(by_hand(name, 1.0, gradients), abs=1e-12)


@pytest.mark.parametrize("name", ["AdaBound", "AdaBelief"])
def test_200_steps_of_those_that_are_not_torchs(name):
    p, gradients = number(), [math.sin(2.0 * j) + 0.3 for j in range(200)]
    assert run(build(name, [p], LR, WD), p, gradients) == pytest.approx(by_hand(name, 1.0, gradients), abs=1e-9)


def test_adabound_is_its_authors_code_not_its_papers_algorithm_2():
    """Without bias corrections three steps end 0.1 elsewhere or more."""
    x, m, v = 1.0, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        rate = min(max(LR / math.sqrt(v), 0.1 * (1 - 1 / (0.001 * t + 1))), 0.1 * (1 + 1 / (0.001 * t)))
        x -= rate / math.sqrt(t) * m
    p = number()
    assert abs(run(build("AdaBound", [p], LR), p, GRADIENTS)[-1] - x) > 0.1


def test_sla_is_slrla_without_the_penalty():
    a, b = number(), number()
    gradients = GRADIENTS * 5
    assert run(build("SLA", [a], LR), a, gradients) == run(build("SLRLA", [b], LR, beta=0.0), b, gradients)
    assert isinstance(build("SLA", [a], LR), SLRLA)


# -- pytorch_optimizer 4.1.0, guarded


def test_adabound_takes_a_group_added_later():
    """Unguarded: IndexError, its base_lrs being frozen at construction."""
    first, late = number(), number()
    optimizer = build("AdaBound", [first], LR)
    optimizer.add_param_group({"params": [late], "lr": 0.02})
    for p in (first, late):
        p.grad = torch.ones_like(p)
    optimizer.step()
    assert late.item() == pytest.approx(by_hand("AdaBound", 1.0, [1.0], lr=0.02, wd=0)[0], abs=1e-12)
    assert optimizer.base_lrs == [LR, 0.02]


def test_adabound_keeps_its_bounds_when_it_is_rebuilt_with_the_decayed_lr():
    """Unguarded: final_lr is 10 times too large after this. Its code scales the bounds by lr over the first lr (Luolc/
    AdaBound#6: intended)."""

    def decayed(optimizer):
        optimizer.param_groups[0]["lr"] = LR / 10

    one, two = number(), number()
    whole, early = build("AdaBound", [one], LR), build("AdaBound", [two], LR)
    for optimizer, p in ((whole, one), (early, two)):
        run(optimizer, p, GRADIENTS)
        decayed(optimizer)
    file = io.BytesIO()
    torch.save(early.state_dict(), file)
    file.seek(0)
    later = build("AdaBound", [two], LR / 10)
    later.load_state_dict(torch.load(file, weights_only=True))
    assert run(later, two, GRADIENTS * 4) == run(whole, one, GRADIENTS * 4)
    assert later.base_lrs == [LR]


def test_adabound_with_a_warm_up_from_0():
    p = number()
    optimizer = build("AdaBound", [p], 0.0)
    run(optimizer, p, [1.0])
    assert p.item() == 1.0
    optimizer.param_groups[0]["lr"] = LR
    run(optimizer, p, [1.0])
    assert optimizer.base_lrs == [LR]
    assert p.item() < 1.0


@pytest.mark.parametrize("name", TABLE3)
def test_copies_of_all_eight_go_on(name):
    """Unguarded, AdaBound and AdaBelief raise AttributeError: torch's copies drop ``maximize`` and ``base_lrs``."""
    p = number()
    optimizer = build(name, [p], LR, WD)
    run(optimizer, p, GRADIENTS)
    twin = copy.deepcopy(optimizer)
    assert run(twin, twin.param_groups[0]["params"][0], GRADIENTS) == run(optimizer, p, GRADIENTS)


def test_without_pytorch_optimizer_one_line_says_so(monkeypatch):
    real = builtins.__import__

    def missing(name, *rest):
        if name == "riskkit.optim" and rest[2] and "guarded" in rest[2]:
            raise ImportError("No module named 'pytorch_optimizer'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(
        ImportError, match=r"AdaBelief needs the package pytorch_optimizer, .*; pip install 'riskkit\[networks"
    ):
        build("AdaBelief", [number()], LR)


# -- the printed table


def test_the_pace_of_slrla_as_coded_is_what_a_wrapper_goes():
    """Its own code on one number under a constant gradient, twenty rounds; and three values of the pace."""
    for beta, expected in ((0.2, 0.55), (0.03, 0.89), (1.0, 0.18)):
        assert pace(0.1, beta, 5, 0.8) == pytest.approx(expected, abs=0.005)
    assert pace(0.1, 0.0, 5, 0.8) == 1.0
    assert pace(0.1, 0.2, 5, 0.8, 0.0) == pytest.approx(0.92, abs=0.005)
    p = number(0.0)
    optimizer = build("SLRLA", [p], 0.1, beta=0.2, anchor_every=5)
    path = run(optimizer, p, [1.0] * 300)
    assert path[-6] - path[-1] == pytest.approx(distance(0.1, 0.2, 5, 0.8), rel=1e-9)


@pytest.mark.parametrize("beta", [5.0, 15.0, 20.0, 100.0])
def test_a_round_as_coded_is_stable_where_it_shrinks_its_momentum(beta):
    p = number(0.0)
    path = run(build("SLRLA", [p], 0.1, beta=beta, anchor_every=5), p, [1.0] * 2000)
    stable = abs(round_factor(0.1, beta, 5)) < 1
    assert (abs(path[-1]) < 1e4) == stable


@pytest.mark.parametrize("beta", [37.0, 39.0])
def test_the_published_penalty_is_stable_below_its_limit(beta):
    p = number(0.0)
    optimizer = SLRLA(torch.optim.SGD([p], lr=0.1, momentum=0.9), 1, 1.0, beta)
    path = run(optimizer, p, [1.0] * 3000)
    assert (max(map(abs, path)) < 10) == (beta < largest_beta(0.1))


def test_the_gaps_of_the_printed_table():
    found = table3.gaps("SLA")
    assert [gap.gap for gap in found] == [0.2, 0.25, 0.35, 0.24, 0.43, 0.31, 0.17]
    assert sum(gap.gap <= gap.test_error for gap in found) == 6
    assert found[0].test_error == pytest.approx(0.208, abs=5e-4)
    rows = table3.audits()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert rows[0].finding.startswith("6 of 7 gaps are at most one standard error")
    assert rows[3].printed.startswith("14 of 49 entries")
    assert "50, 100 are not; as coded 20, 50, 100 are not" in rows[4].finding


def test_seeds_needed_are_those_of_the_t_tests_power():
    """Cohen's d = 0.5 needs 64 a group at 5% and power 0.8 (Cohen 1988, table 2.4.1); d = 1 needs 17."""
    assert table3.seeds_needed(0.5, 1.0, 1.0) == 64
    assert table3.seeds_needed(-1.0, 1.0, 1.0) == 17
    with pytest.raises(ValueError, match="gap must be a finite number other than 0"):
        table3.seeds_needed(0.0, 1.0, 1.0)
