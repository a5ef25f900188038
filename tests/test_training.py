"""Networks on a finite population: stacks against single networks, exact risks against sums and draws, certificates."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, vmap

from riskkit.data import Population, digits
from riskkit.engines.reference import one_thread
from riskkit.optim import SLRLA, Lookahead, build
from riskkit.rng.streams import Stream
from riskkit.training import CNN, INNER, MLP, Recipe, checked, stack, train
from riskkit.training.risks import label_entropy

SMALL = MLP(64, (8,), 10)
RECIPES = {
    **{name: Recipe(name, 0.01, 0.001, steps=20, batch=8) for name in INNER},
    "SLA": Recipe("SGD", 0.05, 0.001, "Lookahead", 5, 0.8, steps=20, batch=8),
    "SLRLA": Recipe("SGD", 0.05, 0.001, "SLRLA", 5, 0.8, 0.3, steps=20, batch=8),
    "SLRLA as coded": Recipe("SGD", 0.05, 0.001, "SLRLA", 5, 0.8, 0.3, 5, steps=20, batch=8),
    "LA(Adam)": Recipe("Adam", 0.01, 0.001, "Lookahead", 5, 0.8, steps=20, batch=8),
}


def by_hand(population, network, n, recipe, seed, replicate):
    """One network, one torch optimizer on the module's own parameters, a plain loop: (last, average)."""
    stream = Stream(seed, [replicate])
    made = stack(network, population.features.shape[1], population.classes)
    module = network.build()
    start = made.views(made.start(stream))
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(start[name][0])
    rows, targets = (part[0] for part in population.draw(stream, n))
    x = torch.tensor(population.features, dtype=torch.float32)[rows]
    optimizer = build(recipe.optimizer, module.parameters(), recipe.lr, recipe.weight_decay)
    if recipe.wrapper:
        kind = (recipe.beta, recipe.anchor_every) if recipe.wrapper == "SLRLA" else ()
        optimizer = (SLRLA if kind else Lookahead)(optimizer, recipe.k, recipe.alpha, *kind)
    order = stream.shuffled(n, 0, recipe.steps * recipe.batch)[0].reshape(recipe.steps, recipe.batch)
    average = {name: torch.zeros_like(p, dtype=torch.float64) for name, p in module.named_parameters()}
    for j, drawn in enumerate(order):
        for name, p in module.named_parameters():
            average[name] += p.detach() / recipe.steps
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x[drawn]), targets[drawn]).backward()
        optimizer.step()
        if j + 1 in recipe.stage_ends and j + 1 < recipe.steps:
            if recipe.wrapper:
                optimizer.next_stage()
            for group in optimizer.param_groups:
                group["lr"] *= recipe.factor
    with optimizer.slow_weights() if recipe.wrapper else contextlib.nullcontext():
        last = torch.cat([p.detach().flatten() for p in module.parameters()])
    return last.numpy(), torch.cat([p.flatten() for p in average.values()]).numpy()


@pytest.mark.parametrize(
    ("network", "name"), [*((SMALL, name) for name in RECIPES), (CNN(8, (2, 3)), "SGD"), (CNN(8, (2, 3)), "SLRLA")]
)
def test_a_stack_is_a_plain_torch_loop_for_each_of_its_networks(network, name):
    """Two recipes by three replicates, twenty steps through three decays of the step size: 1e-5."""
    recipe = RECIPES[name]
    twin = dataclasses.replace(recipe, lr=recipe.lr / 2, weight_decay=0.01)
    found = train(digits(), network, 30, [recipe, twin], [20], Stream(3, range(5, 8)))
    for one, answer in zip((recipe, twin), found, strict=True):
        for r, replicate in enumerate(range(5, 8)):
            last, average = by_hand(digits(), network, 30, one, 3, replicate)
            np.testing.assert_allclose(answer.theta[r, 0, 0], last, atol=1e-5)
            np.testing.assert_allclose(answer.theta[r, 0, 1], average, atol=1e-5)


@pytest.mark.parametrize("network", [SMALL, CNN(8, (2, 3))])
def test_replayed_gradients_are_those_of_vmap_to_the_last_bit(network):
    """Two batches of each of two shapes: what was recorded on the first one does not hold its numbers."""
    made, stream = stack(network, 64, 10), Stream(2, range(6))
    features = torch.tensor(digits().features, dtype=torch.float32)

    def loss(parameters, x, y):
        return nn.functional.cross_entropy(functional_call(made.module, parameters, (x,)), y)

    for replicates, batch in ((6, 8), (3, 5)):
        flat = made.start(stream)[:replicates]
        for place in range(2):
            rows = stream.indices(1797, 90 * place, batch)[:replicates]
            x, y = features[rows], torch.tensor(digits().targets)[rows]
            out = torch.empty_like(flat)
            made.gradient(flat, x, y, out)
            for name, part in vmap(grad(loss))(made.views(flat), x, y).items():
                assert torch.equal(made.views(out)[name], part)
            flat = flat - out


def test_the_products_of_a_forward_pass_are_counted():
    """Linear: its weights. A convolution: its weights at each place, by hand 16 places of 2 x 9 and of 3 x 2 x 9."""
    assert stack(SMALL, 64, 10).products == stack(SMALL, 64, 10).size
    made = stack(CNN(8, (2, 3)), 64, 10)
    assert made.products == 16 * (18 + 54) + 480 + (2 + 3 + 10)


def test_a_plan_needs_no_compiler(monkeypatch):
    """``torch.func.grad`` loads it, which takes longer than the plan."""

    def loaded(*_, **__):
        raise AssertionError("torch.func.grad was called")

    monkeypatch.setattr("riskkit.training.network.grad", loaded)
    assert checked(digits(), MLP(64, (9,), 10), 20).size == 64 * 9 + 9 + 90 + 10


def test_an_optimizer_that_looks_at_all_numbers_together_is_another_one_in_a_stack():
    """Why LAMB is left out: its trust ratio is a norm over all of a tensor, here over all networks."""
    from pytorch_optimizer import Lamb

    torch.manual_seed(0)
    gradients, ends = torch.randn(5, 2, 40), []
    for pieces in ([slice(0, 2)], [slice(0, 1), slice(1, 2)]):
        start = torch.stack([torch.full((40,), 0.1), torch.full((40,), 3.0)])
        parts = [start[piece].clone() for piece in pieces]
        optimizer = Lamb(parts, lr=0.1)
        for gradient in gradients:
            for part, piece in zip(parts, pieces, strict=True):
                part.grad = gradient[piece].clone()
            optimizer.step()
        ends.append(torch.cat(parts))
    assert (ends[0] - ends[1]).abs().max() > 0.01


@pytest.fixture(autouse=True)
def _one_thread():
    """Two threads on busy cores wait for each other."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def noisy():
    """Two recipes with checkpoints, on digits with label noise, four replicates."""
    population = digits().with_noise(0.2)
    recipes = [Recipe("SGD", lr, 0.0, "SLRLA", 5, 0.8, 0.01, steps=60, batch=16) for lr in (0.2, 0.05)]
    return population, recipes, train(population, SMALL, 50, recipes, [33, 60], Stream(1, range(4)), test=40)


def test_exact_risks_are_the_sums_over_rows_and_labels(noisy):
    population, _, found = noisy
    made = stack(SMALL, 64, 10)
    drawn = population.draw(Stream(1, range(4)), 50)
    x = torch.tensor(population.features)
    for one in found:
        for r in range(4):
            theta = torch.tensor(one.theta[r, 1, 0]).double()
            parameters = {name: part[0] for name, part in made.views(theta[None]).items()}
            logits = functional_call(SMALL.build().double(), parameters, (x,))
            loss = -torch.log_softmax(logits, -1)
            F = error = 0.0
            for i, target in enumerate(population.targets):
                for y in range(10):
                    q = 0.2 / 10 + 0.8 * (y == target)
                    F += q * float(loss[i, y]) / len(x)
                    error += q * float(logits[i].argmax() != y) / len(x)
            F_S = np.mean(
                [float(loss[i, y]) for i, y in zip(drawn.rows[r].tolist(), drawn.targets[r].tolist(), strict=True)]
            )
            assert one.values["generalization"][r, 1, 0] == pytest.approx(F - F_S, abs=1e-12)
            assert one.values["error"][r, 1, 0] == pytest.approx(error, abs=1e-12)


def test_exact_risks_are_those_of_a_million_draws(noisy):
    population, _, found = noisy
    made, draws = stack(SMALL, 64, 10), 10**6
    rows, targets = (part[0] for part in population.draw(Stream(7, [0], family="check "), draws))
    logits = made.logits(torch.tensor(found[0].theta[:1, 1, 0]).double(), torch.tensor(population.features))[0]
    loss = -torch.log_softmax(logits, -1)[rows, targets]
    wrong = (logits.argmax(-1)[rows] != targets).double()
    entropy = label_entropy(*(part[:1] for part in population.draw(Stream(1, range(4)), 50)), 1797, 10)
    F = found[0].values["excess"][0, 1, 0] + float(entropy)
    for sample, exact in ((loss, F), (wrong, found[0].values["error"][0, 1, 0])):
        sem = float(sample.std()) / math.sqrt(draws)
        assert sem < 0.005
        assert abs(float(sample.mean()) - exact) < 4 * sem


def test_optimization_and_generalization_are_the_excess_to_the_last_bit(noisy):
    for one in noisy[2]:
        values = one.values
        assert np.array_equal(values["optimization"] + values["generalization"], values["excess"])


def test_an_untrained_network_has_no_generalization_error_on_average():
    """theta_0 knows nothing of S: E[F - F_S] = 0. The step is too small to move it."""
    (one,) = train(digits(), SMALL, 20, [Recipe("SGD", 1e-12, steps=1, milestones=())], [1], Stream(0, range(512)))
    gap = one.values["generalization"][:, 0, 0]
    sem = gap.std() / math.sqrt(512)
    assert sem < 0.01
    assert abs(gap.mean()) < 4 * sem


def test_fast_weights_differ_from_slow_ones_inside_a_round_only(noisy):
    values = noisy[2][0].values
    assert (values["fast_error"][:, 0] != values["error"][:, 0]).any()  # 33 = 6 rounds of 5 and 3 steps, in stage 2
    again = train(digits(), SMALL, 50, [Recipe("SGD", 0.1, 0, "Lookahead", 5, 0.8, steps=40)], [5], Stream(1, range(4)))
    assert np.array_equal(again[0].values["fast_excess"][..., 0], again[0].values["excess"][..., 0])


def test_no_penalty_is_stagewise_lookahead_bit_for_bit():
    pair = [Recipe("SGD", 0.1, 1e-3, wrapper, 5, 0.8, steps=30) for wrapper in ("Lookahead", "SLRLA")]
    a, b = (train(digits(), SMALL, 50, [one], [30], Stream(2, range(8)))[0] for one in pair)
    assert np.array_equal(a.theta, b.theta)


def test_a_method_that_returns_its_average_has_it_as_both_outputs():
    recipe = Recipe("SGD", 0.1, steps=20, batch=8)
    own = dataclasses.replace(recipe, returns="average")
    a, b = (train(digits(), SMALL, 30, [one], [20], Stream(2, range(2)))[0] for one in (recipe, own))
    assert np.array_equal(b.theta[:, :, 0], a.theta[:, :, 1])
    assert np.array_equal(b.values["error"][..., 0], a.values["error"][..., 1])


def test_the_best_of_many_looks_at_a_test_sample_is_the_smallest_so_far():
    recipe = Recipe("SGD", 0.3, steps=30, batch=8)
    looks = list(range(2, 31, 2))
    (one,) = train(digits(), SMALL, 30, [recipe], looks, Stream(4, range(16)), test=30)
    test, error = one.values["test_error"][..., 0], one.values["error"][..., 0]
    assert np.array_equal(one.values["best_test_error"][..., 0], np.minimum.accumulate(test, axis=1))
    chosen = test.argmin(axis=1)
    assert np.array_equal(one.values["error_at_best"][:, -1, 0], error[np.arange(16), chosen])


# What is proved of the minimum.


def test_the_entropy_of_contradicting_copies():
    """Row 3 drawn three times with labels 0, 0, 1; row 5 twice with one label; row 7 once: (3 log 3 - 2 log 2) / 6."""
    rows, targets = torch.tensor([[3, 3, 3, 5, 5, 7]]), torch.tensor([[0, 0, 1, 1, 1, 0]])
    entropy = label_entropy(rows, targets, 8, 2)
    assert float(entropy) == pytest.approx((3 * math.log(3) - 2 * math.log(2)) / 6, abs=1e-15)
    assert float(label_entropy(rows, torch.zeros_like(targets), 8, 2)) == 0.0


def test_a_minimum_of_0_needs_a_network_without_an_error_on_s():
    long, short = Recipe("Adam", 0.03, steps=300), Recipe("Adam", 0.01, steps=2, milestones=())
    wide = MLP(64, (32,), 10)
    (done,) = train(digits(), wide, 50, [long], [300], Stream(0, range(8)))
    (begun,) = train(digits(), wide, 50, [short], [2], Stream(0, range(8)))
    assert (done.values["sample_error"][:, 0, 0] == 0).all()
    assert (done.minimum_width == 0).all()
    # The same samples without a certificate: an interval whose upper end is the smallest F_S that was seen.
    assert (begun.minimum_width > 0).all()
    seen = begun.values["optimization"].min(axis=(1, 2))
    np.testing.assert_allclose(begun.minimum_width, seen, rtol=1e-12)
    assert (done.values["optimization"] > 0).all()


def test_a_certificate_is_worth_nothing_under_label_noise_or_behind_a_bounded_last_layer():
    rows = np.repeat(np.eye(4), 8, axis=0)  # every row stands there eight times
    population = Population(rows + 0.0, [0, 1] * 16, noise=0.3)
    recipe = Recipe("Adam", 0.05, steps=100)
    (one,) = train(population, MLP(4, (8,), 2), 20, [recipe], [100], Stream(0, range(4)))
    assert (one.minimum_width > 0).any()

    @dataclasses.dataclass(frozen=True)
    class Bounded:
        def build(self):
            return nn.Sequential(nn.Linear(64, 10), nn.Tanh())

    assert stack(Bounded(), 64, 10).head == ()
    assert stack(SMALL, 64, 10).head == ("2.weight", "2.bias")
    (two,) = train(digits(), Bounded(), 20, [recipe], [100], Stream(0, range(4)))
    assert (two.values["sample_error"][:, 0, 0] == 0).all()
    assert (two.minimum_width > 0).all()


# Bits and streams.


def test_replicates_are_the_same_numbers_whatever_runs_beside_them():
    """A block is one call; another stack's numbers differ in float32 rounding at most."""
    recipe = Recipe("SGD", 0.05, steps=20)
    many = train(digits(), SMALL, 40, [recipe], [20], Stream(0, range(32)))[0]
    again = train(digits(), SMALL, 40, [recipe], [20], Stream(0, range(32)))[0]
    few = train(digits(), SMALL, 40, [recipe], [20], Stream(0, range(16, 24)))[0]
    assert np.array_equal(many.theta, again.theta)
    np.testing.assert_allclose(few.theta, many.theta[16:24], atol=1e-5)


def test_threads_train_side_by_side_as_one_after_the_other():
    """A module that two threads shared would be swapped under the other's feet."""

    def trained(replicate):
        return train(digits(), SMALL, 40, [RECIPES["SLA"]], [20], Stream(3, [replicate]))[0].theta

    with ThreadPoolExecutor(2) as pool:
        beside = list(pool.map(trained, range(8)))
    for replicate, theta in enumerate(beside):
        assert np.array_equal(theta, trained(replicate))


def test_initial_weights_have_the_law_of_torchs_defaults():
    made = stack(MLP(64, (16,), 10), 64, 10)
    theta = made.start(Stream(0, range(64)))
    for slot in made.slots:
        part = theta[:, slot.first : slot.last]
        bound = 1 / math.sqrt(64 if slot.name.startswith("0") else 16)
        assert float(part.abs().max()) <= bound
        assert float(part.std()) == pytest.approx(bound / math.sqrt(3), rel=0.1)
    assert not torch.equal(theta[0], theta[1])


def test_a_network_that_diverges_is_a_status():
    (one,) = train(digits(), SMALL, 30, [Recipe("SGD", 1e8, 1e8, steps=60)], [60], Stream(0, range(4)))
    assert (one.diverged_at >= 0).all()
    assert np.isnan(one.values["excess"]).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_devices_agree_after_twenty_steps():
    recipe = Recipe("SGD", 0.05, steps=20)
    cpu = train(digits(), SMALL, 40, [recipe], [20], Stream(0, range(8)))[0]
    gpu = train(digits(), SMALL, 40, [recipe], [20], Stream(0, range(8), device="cuda"))[0]
    np.testing.assert_allclose(gpu.theta, cpu.theta, atol=1e-5)
    np.testing.assert_allclose(gpu.values["excess"], cpu.values["excess"], atol=1e-4)


# Bad input: one line, before computing.


class _Batch(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.layer, self.kind = nn.Linear(64, 10), kind
        if kind == "random":
            self.own = nn.Parameter(torch.randn(3))
        if kind == "buffers":
            self.norm = nn.BatchNorm1d(64)

    def forward(self, x):
        if self.kind == "item":
            return self.layer(x) if x.sum().item() > 0 else x
        if self.kind == "dropout":
            return self.layer(nn.functional.dropout(x))
        return self.layer(x)[:, :3] if self.kind == "shape" else self.layer(x)


@dataclasses.dataclass(frozen=True)
class _Odd:
    kind: str

    def build(self):
        return _Batch(self.kind)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("item", "vmap cannot run this module on 64 features"),
        ("dropout", "vmap cannot run this module on 64 features"),
        ("buffers", "use GroupNorm in the place of batch norm"),
        ("random", "starts from random values of an unknown law"),
        ("shape", r"must map \(b, 64\) features to \(b, 10\) logits; got \(2, 3\)"),
    ],
)
def test_a_module_that_cannot_run_in_many_copies_is_refused(kind, said):
    with pytest.raises(ValueError, match=said) as caught:
        checked(digits(), _Odd(kind), 20)
    assert "\n" not in str(caught.value)


def test_populations_and_samples_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="n = 1798 asks for more draws than digits has rows"):
        checked(digits(), SMALL, 1798)
    with pytest.raises(ValueError, match=r"must be a riskkit\.data\.Population; got str"):
        checked("digits", SMALL, 10)
    with pytest.raises(ValueError, match="is a regression"):
        checked(Population(np.eye(4), [0.5, 1.0, 2.0, 3.0]), SMALL, 2)
    with pytest.raises(ValueError, match="vmap cannot run this module on 4 features"):
        checked(Population(np.eye(4), [0, 1, 0, 1]), SMALL, 2)
    with pytest.raises(ValueError, match="must be a frozen dataclass with build"):
        checked(digits(), nn.Linear(64, 10), 20)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"optimizer": "LAMB"}, "optimizer must be one of SGD"),
        ({"lr": -1.0}, "lr must be a finite number > 0"),
        ({"beta": 0.1}, "need the wrapper SLRLA"),
        ({"alpha": 0.5}, "need a wrapper"),
        ({"milestones": (0.5, 0.3)}, r"must ascend within \(0, 1\)"),
        ({"steps": 0}, "steps must be a whole number >= 1"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        Recipe(**given)
