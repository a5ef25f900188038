"""The LSTM against torch's own, its truncated gradient, and the text that it reads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call

from riskkit.data import declaration
from riskkit.engines.reference import one_thread
from riskkit.experiment.study import experiment
from riskkit.rng.streams import Stream
from riskkit.training import LSTM, Recipe, stack, train

WINDOW, HIDDEN = 6, 5


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def test_rows_are_windows_of_the_text_and_targets_what_follows():
    population = declaration(20)
    rows, targets = population.features, population.targets
    assert np.array_equal(rows[1:, :-1], rows[:-1, 1:])
    assert np.array_equal(rows[1:, -1], targets[:-1])
    first = "".join(" abcdefghijklmnopqrstuvwxyz"[int(code)] for code in rows[0])
    assert first == "when in the course o"
    assert (population.classes, population.labels) == (27, tuple(map(str, range(27))))
    assert len(np.unique(rows, axis=0)) > 0.99 * len(rows)
    assert population.content.startswith("f935f1ea98c1")
    with pytest.raises(ValueError, match="window must be a whole number from 1 to 100; got 0"):
        declaration(0)


def torchs(ours):
    """torch's LSTM with the weights of ours; its gates come in the order new, kept, value, out."""
    theirs = nn.LSTM(27, HIDDEN, batch_first=True).double()
    order = torch.cat([torch.arange(HIDDEN) + HIDDEN * gate for gate in (1, 0, 2, 3)])
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(ours.read.weight[order])
        theirs.bias_ih_l0.copy_(ours.read.bias[order])
        theirs.weight_hh_l0.copy_(ours.recur.weight[order])
        theirs.bias_hh_l0.zero_()
    return theirs, order


@pytest.mark.parametrize("truncated", [1, 4, WINDOW, 99])
def test_scores_and_gradients_are_those_of_torchs_lstm(truncated):
    torch.manual_seed(0)
    ours = LSTM(27, HIDDEN, truncated).build().double()
    theirs, order = torchs(ours)
    characters = torch.randint(27, (8, WINDOW))
    targets = torch.randint(27, (8,))
    scores = ours(characters.double())
    nn.functional.cross_entropy(scores, targets).backward()

    shown = nn.functional.one_hot(characters, 27).double()
    before = max(WINDOW - truncated, 0)
    state = None
    if before:
        with torch.no_grad():
            _, state = theirs(shown[:, :before])
    _, (last, _) = theirs(shown[:, before:], state)
    expected = nn.functional.linear(last[0], ours.score.weight.detach(), ours.score.bias.detach())
    torch.testing.assert_close(scores, expected)
    nn.functional.cross_entropy(expected, targets).backward()
    torch.testing.assert_close(ours.read.weight.grad[order], theirs.weight_ih_l0.grad)
    torch.testing.assert_close(ours.recur.weight.grad[order], theirs.weight_hh_l0.grad)


def test_many_at_once_have_the_gradients_of_each_alone():
    population = declaration(WINDOW)
    network = LSTM(hidden=HIDDEN, truncated=4)
    made = stack(network, WINDOW, 27)
    flat = made.start(Stream(0, range(3)))
    rows, targets = population.draw(Stream(0, range(3)), 8)
    features = torch.tensor(population.features, dtype=torch.float32)[rows]
    together = torch.empty_like(flat)
    made.gradient(flat, features, targets, together)
    for r in range(3):
        own = {name: view[0].clone().requires_grad_() for name, view in made.views(flat[r : r + 1]).items()}
        loss = nn.functional.cross_entropy(functional_call(network.build(), own, (features[r],)), targets[r])
        alone = torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(own.values()))])
        torch.testing.assert_close(together[r], alone, rtol=1e-4, atol=1e-6)


def test_its_risks_are_exact_sums_over_all_windows():
    population = declaration(WINDOW)
    (found,) = train(
        population, LSTM(hidden=HIDDEN, truncated=4), 60, [Recipe("SGD", 0.5, steps=10, batch=10)], [10], Stream(1, [0])
    )
    flat = torch.tensor(found.theta[:, -1, 0]).double()
    scores = stack(LSTM(hidden=HIDDEN, truncated=4), WINDOW, 27).logits(flat, torch.tensor(population.features))[0]
    loss = nn.functional.cross_entropy(scores, torch.tensor(population.targets))
    excess = found.values["excess"][0, -1, 0]
    assert excess == pytest.approx(float(loss), rel=1e-12)  # every row has one label: the least F_S known is 0
    assert found.values["error"][0, -1, 0] == pytest.approx(
        float((scores.argmax(1) != torch.tensor(population.targets)).double().mean()), rel=1e-12
    )


def test_numbers_that_make_no_lstm_are_refused():
    with pytest.raises(ValueError, match="whole numbers >= 1"):
        LSTM(hidden=0)


def test_the_question_is_for_the_paper_size_alone():
    one = experiment("lstm_text")
    assert list(one.sizes) == ["paper"]
    assert list(one.algorithms) == ["SGD", "LA(SGD)", "Adam", "LA(Adam)", "Polyak averaging"]
