"""Algorithms are values: what they accept, and the step sizes they take."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from riskkit import (
    SGD,
    SLRLA,
    Constant,
    InverseTime,
    Lookahead,
    SLRLAAsCoded,
    SqrtHorizon,
    Stage,
    StagewiseLookahead,
    StagewiseSGD,
)
from riskkit.algorithms.staged import Algorithm

STEP = Constant(0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Lookahead(4, 2, 0.0, STEP), "Lookahead: alpha must lie in (0, 2]; got 0.0."),
        (lambda: Lookahead(4, 2, 2.1, STEP), "Lookahead: alpha must lie in (0, 2]; got 2.1."),
        (lambda: Lookahead(4, 2, math.nan, STEP), "Lookahead: alpha must lie in (0, 2]; got nan."),
        (lambda: Lookahead(4, 0, 0.5, STEP), "Lookahead: k must be a whole number >= 1; got 0."),
        (lambda: Lookahead(4, 2.5, 0.5, STEP), "Lookahead: k must be a whole number >= 1; got 2.5."),
        (lambda: Lookahead(True, 2, 0.5, STEP), "Lookahead: T must be a whole number >= 1; got True."),
        (lambda: Lookahead(math.inf, 2, 0.5, STEP), "Lookahead: T must be a whole number >= 1; got inf."),
        (lambda: SGD(7, STEP, k=2), "SGD: steps must be a multiple of k; got steps=7, k=2."),
        (lambda: SLRLA([]), "SLRLA: stages must hold at least one Stage; got none."),
        (lambda: Stage(4, 2, 0.5, STEP, beta=-1.0), "SLRLA: beta must be a finite number >= 0; got -1.0."),
        (lambda: Stage(4, 2, 0.5, STEP, output="mean"), "SLRLA: output must be one of last, average; got 'mean'."),
        (
            lambda: Algorithm((Stage(4, 2, 0.5, STEP),), sampling="without"),
            (
                "SLRLA: sampling must be one of with replacement, without replacement, one shuffle, one stream for "
                "all; got 'without'."
            ),
        ),
        (lambda: Constant(0.0), "Constant: eta must be a finite number > 0; got 0.0."),
        (lambda: InverseTime(lam=math.inf), "InverseTime: lam must be a finite number > 0; got inf."),
        (lambda: SLRLAAsCoded([Stage(4, 2, 0.5, STEP)], 0), "SLRLA: anchor_every must be a whole number >= 1; got 0."),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=re.escape(message) + "$"):
        make()


def test_step_sizes_are_the_formulas():
    assert Constant(0.3).sizes(2, 3).tolist() == [0.3] * 6
    assert SqrtHorizon(2.0).sizes(4, 4).tolist() == [0.5] * 16
    np.testing.assert_array_equal(InverseTime(0.5, 3).sizes(1, 4), 1 / (0.5 * np.array([3.0, 4.0, 5.0, 6.0])))


def test_constructors_build_stages_of_one_algorithm():
    assert SGD(12, STEP, k=3) == Lookahead(4, 3, 1.0, STEP)
    assert SLRLA([Stage(4, 3, 0.5, STEP)]) == Lookahead(4, 3, 0.5, STEP)
    stages = [Stage(2, 3, 0.5, STEP, beta=0.2), Stage(1, 4, 0.5, STEP, beta=0.1)]
    assert StagewiseLookahead(stages).stages[0] == Stage(2, 3, 0.5, STEP)
    assert StagewiseSGD(stages).stages[1] == Stage(1, 4, 1.0, STEP)
    coded = SLRLAAsCoded(stages, anchor_every=5)
    assert [stage.beta for stage in coded.stages] == [0.4, 0.2]  # the gradient of beta ||.||^2
    assert (coded.steps, coded.rounds, coded.gradients(np.array([1, 2, 3])).tolist()) == (10, 3, [3, 6, 10])
