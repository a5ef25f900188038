"""Statements judged on exact expectations: which algorithm's is the smaller one, and whether a claim is followed."""

from __future__ import annotations

import numpy as np
import pytest

import riskkit
from experiments import theorem4_at_eps as at_eps
from riskkit import SGD, Constant, Experiment, Grid, Inequality, Lookahead, Size, Source
from riskkit.experiment import Follows, Reaches, Smaller
from riskkit.judges.outcome import undecided
from riskkit.problems import AnisotropicMean, LinearOnBall, MeanEstimation
from riskkit.theory.field import zhang2022
from riskkit.verdicts.known import judge_known

HERE = Source("here", "this test", "@misc{here, title = {This test}}", "")
X = np.array([1.0, 2.0, 4.0, 8.0, 16.0])


@pytest.mark.parametrize(
    ("axis", "exact", "outcome"),
    [
        ("n", 3 / X, "TIGHT"),
        ("n", X**-1.2, "LOOSE"),
        ("n", X**-0.8, "PRE-ASYMPTOTIC"),
        ("n", (1 + X) / X, "PRE-ASYMPTOTIC"),
        ("alpha", 3 / X, "TIGHT"),
        ("alpha", X**-0.8, "LOOSE"),
        ("alpha", np.array([1, 1.2, 1.45, 1.2, 1]) / X, "PRE-ASYMPTOTIC"),
    ],
)
def test_the_slope_of_exact_over_claim_decides(axis, exact, outcome):
    found = judge_known(undecided("rate", "s", 1, axis=axis), X, exact, 1 / X)
    assert found.outcome == outcome
    assert found.claim_slope == pytest.approx(-1)
    assert np.isnan(found.p_value)


def test_three_points_are_no_rate():
    assert judge_known(undecided("rate", "s", 1, axis="n"), X[:3], X[:3], X[:3]).outcome == "TOO FEW POINTS"


def value(at):
    """A stand-in for an expectation: of Lookahead 2/n, of the other 1/n, and equal at n = 40."""
    alpha = at.algorithm.stages[0].alpha
    return np.full(at.rounds.shape, 1 / at.n if alpha == 1 or at.n == 40 else 2 / at.n)


def claims(quantity="generalization"):
    return Inequality("t.x", "T", quantity, "last", HERE, claim=lambda at: np.full(at.rounds.shape, 1 / at.n))


def asked(algorithm, than):
    return Experiment(
        question="Which?",
        problem=MeanEstimation(dim=2),
        algorithms={
            "half": lambda p: Lookahead(4, 2, 0.5, Constant(0.1)),
            "whole": lambda p: Lookahead(4, 2, 1.0, Constant(0.1)),
        },
        readings=(
            Smaller("t.smaller", "T", algorithm, than, "generalization", value),
            Follows(claims(), "whole", value),
        ),
        sizes={"laptop": Size(Grid("n", n=(10, 20, 40, 80)), 32)},
    )


@pytest.mark.parametrize(
    ("algorithm", "than", "outcome", "said"),
    [
        ("whole", "half", "HOLDS", "0.5 to 1 in 4 settings, smaller than 1 in 3 and larger in 0"),
        ("half", "whole", "VIOLATED", "1 to 2 in 4 settings, smaller than 1 in 0 and larger in 3"),
    ],
)
def test_which_expectation_is_smaller(algorithm, than, outcome, said):
    result = riskkit.run(asked(algorithm, than))
    found = {(f.bound, f.axis): f for f in result.found.findings}
    smaller, follows = found["t.smaller", None], found["t.x", "n"]
    assert (smaller.verdict.outcome, smaller.form, smaller.group) == (outcome, "claim", "source")
    assert said in smaller.verdict.sentence
    assert (follows.verdict.outcome, follows.group) == ("TIGHT", "source")
    assert follows.verdict.slope == pytest.approx(-1)
    exact = result.data.exact("generalization", "last", result.data.named("whole"))
    np.testing.assert_allclose(exact, [0.1, 0.05, 0.025, 0.0125])


def test_an_algorithm_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="there is no algorithm 'nobody'"):
        asked("whole", "nobody")


def test_at_eps_lam_of_one_eighth():
    """The two generalization errors that Theorem 4 compares, .0109 and .0111 at n = 50; the claim has a factor .8."""
    problem, eps = AnisotropicMean((1.0, 0.125)), 2.0**-9
    ours, theirs = at_eps.staged(problem, 50, 0.5, eps), at_eps.lookahead(problem, 50, 0.5, eps)
    for algorithm, output, wanted in ((ours, "average", 0.01090), (theirs, "last", 0.01108)):
        error = at_eps.optimization(problem, algorithm, 50, output)
        assert error[-1] <= eps < error[-2]
        assert at_eps.generalization(problem, algorithm, 50, output)[-1] == pytest.approx(wanted, abs=6e-6)
    assert at_eps.lookahead(problem, 50, 0.1, eps) is None


def test_a_lower_bound_is_reached_or_not():
    def experiment(factor):
        exact = lambda at: zhang2022.distance(at, 0.0, 1.0, 4 / 3)  # noqa: E731
        reading = Reaches("x", "X", "SGD", "stability", "last", lambda at: factor * exact(at), exact)
        return Experiment(
            question="Is it reached?",
            problem=LinearOnBall(dim=3),
            algorithms={"SGD": lambda p: SGD(p.T, Constant(0.01))},
            readings=(reading,),
            sizes={"laptop": Size(Grid(n=10, T=(1, 4, 16)), 32)},
        )

    for factor, outcome in ((0.9, "HOLDS"), (1.1, "VIOLATED")):
        (found,) = [one for one in riskkit.run(experiment(factor)).found.findings if one.bound == "x"]
        assert (found.verdict.outcome, found.form) == (outcome, "published")
        assert found.verdict.ratio == pytest.approx(factor)
        assert "in 3 settings" in found.verdict.sentence
