"""Quantities of one's own: measured, stored, judged and drawn like the built-in ones."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from scipy import stats

from riskkit import (
    SGD,
    Constant,
    Experiment,
    Grid,
    Inequality,
    Paired,
    Quantity,
    Size,
    Source,
    doubling,
    judge,
    load,
    run,
    simulate,
)
from riskkit.experiment import Quantiles
from riskkit.experiment.vetting import vet
from riskkit.measure import GRADIENT_NORM, ZERO_ONE_ERROR
from riskkit.problems import LinearOnBall, Logistic, MeanEstimation
from riskkit.stats.quantiles import exceedance, quantile

HERE = Source("here", "this test", "@misc{here, title = {This test}}", "")


def spread(problem, theta, data):
    return (theta - data.mean(1, keepdim=True)).norm(dim=-1)


SPREAD = Quantity("spread", spread)
FALLS = Inequality(
    name="own.spread",
    title="one's own",
    quantity="spread",
    output="last",
    source=HERE,
    claim=lambda at: 0.9**at.rounds,
    proved=lambda at: np.full(len(at.rounds), 50.0),
)


def experiment(**changes):
    fields = {
        "question": "Is a quantity of one's own like the others?",
        "problem": MeanEstimation(dim=2, lam=1.0),
        "algorithms": {"SGD": lambda p: SGD(p.T, Constant(0.1)), "slow": lambda p: SGD(p.T, Constant(0.05))},
        "bounds": (FALLS,),
        "quantities": (SPREAD, GRADIENT_NORM),
        "readings": (Paired("slow", ("SGD",), of=(("spread", "last"),)),),
        "sizes": {"laptop": Size(Grid("T", n=20, T=doubling(1, 16)), 128)},
    }
    return Experiment(**{**fields, **changes})


def test_a_quantity_of_ones_own_is_in_table_rates_comparisons_and_figure(tmp_path):
    result = run(experiment(), progress=False)
    table = result.table
    assert {"spread", "gradient_norm", "excess"} <= set(table["quantity"])
    rows = {
        q: table.query(f"quantity == '{q}' and output == 'last' and algorithm == 'SGD'") for q in set(table["quantity"])
    }
    # On (1/2)||theta - z||^2 the gradient of F_S is theta - zbar: both are the root of the distance.
    np.testing.assert_allclose(rows["spread"]["mean"], rows["gradient_norm"]["mean"], rtol=1e-12)
    assert (rows["spread"]["mean"].to_numpy() ** 2 <= rows["distance"]["mean"].to_numpy() * (1 + 1e-12)).all()
    assert np.isfinite(rows["spread"]["band_low"]).all()
    judged = {(found.bound, found.axis): found for found in result.verdicts if found.algorithm == "SGD"}
    assert judged["own.spread", None].verdict.outcome == "HOLDS"
    assert judged["own.spread", "T"].verdict.slope < 0
    assert "the spread of SGD" in judged["own.spread", "T"].verdict.sentence
    assert len(result.comparisons) > 0
    assert {one.quantity for one in result.comparisons} == {"spread"}
    result.save(tmp_path)
    assert any(path.suffix == ".pdf" for path in tmp_path.rglob("*"))
    (stored,) = tmp_path.rglob("verdict.json")
    assert "spread" in {one["quantity"] for one in json.loads(stored.read_text())["verdicts"]}
    assert "spread" in set(load(stored.parent)["quantity"])


def test_its_code_is_part_of_the_address():
    def runs(**changes):
        made = experiment(**changes)
        return set(made.plan(made.size("laptop")).runs)

    def other(problem, theta, data):
        return 2 * spread(problem, theta, data)

    bare = {"bounds": (), "readings": ()}
    assert runs() == runs()
    assert not runs() & runs(quantities=(Quantity("spread", other), GRADIENT_NORM))
    assert not runs(**bare) & runs(quantities=(), **bare)


def test_the_shipped_ones_by_hand():
    problem = Logistic(dim=3)
    theta = torch.tensor([[[1.0, -2.0, 0.5], [0.0, 1.0, 0.0]]], dtype=torch.float64)
    x = torch.tensor([[0.6, 0.8, 0.0], [0.0, 0.6, 0.8], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    y = torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64)
    data = torch.cat([x, y[:, None]], 1)[None]
    wrong = [[float((y * (x @ t) <= 0).double().mean()) for t in theta[0]]]
    assert ZERO_ONE_ERROR.measure(problem, theta, data).tolist() == wrong
    mean = torch.stack([problem.gradient(theta, data[:, i : i + 1]) for i in range(4)]).mean(0).norm(dim=-1)
    torch.testing.assert_close(GRADIENT_NORM.measure(problem, theta, data), mean)


def test_zero_one_error_runs_where_labels_are_signs():
    made = experiment(problem=Logistic(dim=3), quantities=(ZERO_ONE_ERROR,), bounds=(), readings=())
    result = run(made, progress=False)
    rows = result.table.query("quantity == 'zero_one_error'")
    assert rows["mean"].between(0, 1).all()


REFUSED = {
    "labels that are none": (
        {"quantities": (ZERO_ONE_ERROR,)},
        "expected examples (x_1, ..., x_d, y) with labels 1 and -1",
    ),
    "the wrong shape": (
        {"quantities": (Quantity("a", lambda p, t, d: t),)},
        "expected real numbers (R, C), here (2, 3)",
    ),
    "a number": (
        {"quantities": (Quantity("a", lambda p, t, d: 1.0),)},
        "expected a tensor (R, C), here (2, 3); got float",
    ),
    "nan": ({"quantities": (Quantity("a", lambda p, t, d: t[..., 0] * float("nan")),)}, "must be finite"),
    "what raises": ({"quantities": (Quantity("a", lambda p, t, d: p.width),)}, "raised AttributeError"),
    "two of one name": ({"quantities": (SPREAD, SPREAD)}, "quantities must have names of their own; got spread twice"),
    "no tuple": ({"quantities": SPREAD}, "quantities must be a tuple"),
    "a function": ({"quantities": (spread,)}, "a quantity must be a Quantity(name, function)"),
    "a bound on another": ({"quantities": (GRADIENT_NORM,), "readings": ()}, "unknown quantity 'spread'"),
}


@pytest.mark.parametrize(("changes", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_quantity_is_refused_before_computing(changes, said):
    fields = {"bounds": (), "readings": ()} if "bound on another" not in said and "unknown" not in said else {}

    def tried():
        made = experiment(**{**fields, **changes})
        vet(made.plan(made.size("laptop")))

    with pytest.raises(ValueError, match=r".") as caught:
        tried()
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("name", "said"), [("excess", "is taken"), ("a b", "letters, digits"), ("control", "is taken")]
)
def test_a_name_that_is_taken_or_none_is_refused(name, said):
    with pytest.raises(ValueError, match=said):
        Quantity(name, spread)


def test_a_run_in_batches_measures_the_same():
    one = run(experiment(quantities=(SPREAD,), readings=()), progress=False, engine="reference")
    two = run(experiment(quantities=(SPREAD,), readings=()), progress=False, engine="reference", jobs=1)
    assert one.table.equals(two.table)
    assert dataclasses.is_dataclass(LinearOnBall())


def test_a_simulation_measures_them_and_a_bound_is_judged_on_them():
    """On (1/2)||theta - z||^2 the gradient of F_S is theta - zbar, whose square is the distance."""
    problem, sgd = MeanEstimation(dim=2, lam=1.0), SGD(16, Constant(0.1))
    made = simulate(problem, sgd, n=20, replicates=128, rounds=(1, 4, 16), quantities=(SPREAD, GRADIENT_NORM))
    np.testing.assert_allclose(made.at("spread", 4) ** 2, made.at("distance", 4), rtol=1e-12)
    np.testing.assert_allclose(made.at("gradient_norm"), made.at("spread"), rtol=1e-12)
    assert "spread" in made.to_frame()
    plain = simulate(problem, sgd, n=20, replicates=128, rounds=(1, 4, 16))
    np.testing.assert_array_equal(made.at("excess"), plain.at("excess"))
    assert judge(FALLS, made).verdicts[0].verdict.outcome == "HOLDS"
    for given, said in (
        (["spread"], "quantities must be a list of Quantity"),
        ([SPREAD, SPREAD], "got spread twice"),
        ([Quantity("worst", lambda problem, theta, data: spread(problem, theta, data) / 0)], "worst must be finite"),
        ([Quantity("flat", lambda problem, theta, data: theta)], "flat: expected real numbers"),
    ):
        with pytest.raises(ValueError, match=said):
            simulate(problem, sgd, n=20, replicates=2, quantities=given)


def test_a_simulation_measures_means_along_the_path_and_pairs():
    problem, sgd = MeanEstimation(dim=2, lam=1.0), SGD(8, Constant(0.1))
    far = Quantity("far", lambda problem, theta, other: (theta - other).norm(dim=-1), "pair")
    mean = Quantity("mean_spread", spread, "path")
    made = simulate(problem, sgd, n=20, replicates=70, rounds=(1, 8), quantities=(far, mean))
    np.testing.assert_allclose(made.at("far"), made.at("stability"), rtol=1e-12)
    assert (made.at("mean_spread") > made.at("distance") ** 0.5).mean() > 0.5
    with pytest.raises(ValueError, match="far compares two runs"):
        simulate(problem, sgd, data=np.ones((20, 2)), replicates=2, quantities=(far,))


# Quantiles over the replicates.


def test_intervals_of_quantiles_cover_and_exceedances_are_binomial():
    """The ranks are those of the binomial: coverage of any continuous distribution, summed exactly, is .95 or more and
    not much more."""
    for R, p in ((128, 0.5), (512, 0.9), (2048, 0.99)):
        ranks = np.arange(1.0, R + 1)[:, None]
        at = quantile(ranks, p)
        low, high = at.low[0], at.high[0]
        covered = stats.binom.cdf(high - 1, R, p) - stats.binom.cdf(low - 1, R, p)
        assert 0.95 <= covered <= 0.985
        assert at.value[0] == np.ceil(p * R)
    assert np.isinf(quantile(ranks[:64], 0.99).high[0])
    often, seldom = exceedance(np.arange(100.0)[:, None], [89.5], 0.2)
    assert often[0] == pytest.approx(stats.binom.cdf(10, 100, 0.2))
    assert seldom[0] == pytest.approx(stats.binom.sf(9, 100, 0.2))
    for wrong in (0.0, 1.0):
        with pytest.raises(ValueError, match="p must lie in"):
            quantile(ranks, wrong)
    with pytest.raises(ValueError, match="must be \\(R, P\\)"):
        quantile(ranks[:, 0], 0.5)


def test_quantiles_are_judged_stored_and_told():
    def of(bound, covers=lambda problem, algorithm: None):
        reading = Quantiles("tail", "the tail", "spread", "last", (0.5, 0.1), bound, covers)
        return run(experiment(bounds=(), readings=(reading,)), replicates=256)

    found = of(lambda at, share: np.full(len(at.rounds), 1.5))
    told = {(one.bound, one.algorithm): one.verdict for one in found.found.findings if one.title == "the tail"}
    assert set(told) == {(f"tail, delta = {share}", name) for share in (0.5, 0.1) for name in ("SGD", "slow")}
    assert {verdict.outcome for verdict in told.values()} == {"HOLDS"}
    assert len(found.found.quantiles) == 2 * 2 * 5
    one = found.found.quantiles[0].to_json()
    values = found.data.replicate_values(found.data.named("SGD")[0], "spread", "last")
    assert one["low"] <= one["value"] <= one["high"]
    assert one["value"] == np.quantile(values, 0.5, method="inverted_cdf")
    assert one["bound"] == 1.5
    violated = of(lambda at, share: np.full(len(at.rounds), 1e-3)).found.findings
    assert {one.verdict.outcome for one in violated if one.title == "the tail"} == {"VIOLATED"}
    nothing = of(lambda at, share: np.ones(len(at.rounds)), lambda problem, algorithm: "never").found.findings
    assert {one.verdict.outcome for one in nothing if one.title == "the tail"} == {"NOT COVERED"}
    reading = Quantiles(
        "tail", "the tail", "generalization", "last", (0.1,), lambda at, share: np.full(len(at.rounds), 9.0)
    )
    vacuous = run(experiment(bounds=(), readings=(reading,)), replicates=128).found.findings
    assert {one.verdict.outcome for one in vacuous if one.title == "the tail"} == {"VACUOUS"}
    only = of(None).found
    assert len(only.quantiles) == 20
    assert not [one for one in only.findings if one.title == "the tail"]
    with pytest.raises(ValueError, match="shares must lie in"):
        Quantiles("tail", "the tail", "spread", "last", (1.5,))
