"""Sums over parts of the replicates say what the replicates themselves say, of every group that is left out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from problems import MeanEstimation
from riskkit import SGD, InverseTime, run
from riskkit.execution.conclusion import concluded
from riskkit.experiment import Experiment, Grid, Size
from riskkit.judges.level import judge_level
from riskkit.judges.rate import judge_rate
from riskkit.stats.bands import DRAWN, _suprema, simultaneous_band
from riskkit.stats.columns import (
    GROUPS,
    Columns,
    group_starts,
    joined,
    part_starts,
    parts,
    reduced,
    selecting_replicates,
)
from riskkit.stats.jackknife import covariance, leave_out
from riskkit.stats.paired import paired_difference, paired_ratio
from riskkit.stats.slopes import fit_rate
from riskkit.store.shards import Store
from riskkit.store.table import frame
from riskkit.theory.zhou2021 import strongly_convex
from riskkit.verdicts.data import Data
from riskkit.verdicts.findings import find
from riskkit.verdicts.table import table

R = 2 * GROUPS + 700
"""Groups of three replicates, of one in the selecting quarter, of two in the rest; the last of each is shorter."""

X = np.array([1.0, 2.0, 4.0, 8.0, 16.0])


def drawn(replicates=R, seed=3):
    """Skewed, with a common part, about means that fall like 1/x."""
    rng = np.random.default_rng(seed)
    return (rng.exponential(size=(replicates, 1)) + rng.exponential(size=(replicates, X.size)) + 5) / X


def left_out(values):
    """Means and variances without each group, by their definition."""
    starts = group_starts(len(values))
    stops = np.append(starts[1:], len(values))
    rest = [np.delete(values, np.arange(a, b), axis=0) for a, b in zip(starts, stops, strict=True)]
    return np.array([one.mean(axis=0) for one in rest]), np.array([one.var(axis=0, ddof=1) for one in rest])


@pytest.mark.parametrize("part", ["all", "the selecting ones", "the rest"])
def test_every_group_is_left_out_as_by_definition(part):
    values, chosen = drawn(), selecting_replicates(R)
    columns = Columns.of(values)
    first, stop = {"all": (0, R), "the selecting ones": (0, chosen), "the rest": (chosen, R)}[part]
    found, own = leave_out(columns.part(first, stop).over(X)), values[first:stop] / X
    partial, variance = left_out(own)
    assert found.sizes.sum() == stop - first
    for mine, theirs in (
        (found.full, own.mean(axis=0)),
        (found.variance, own.var(axis=0, ddof=1)),
        (found.partial, partial),
        (found.partial_variance, variance),
    ):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_up_to_so_many_replicates_the_values_themselves_are_kept():
    values = drawn(GROUPS)
    columns = Columns.of(values)
    assert columns.sums is values
    assert np.array_equal(np.asarray(columns.part(100, 200)), values[100:200])
    with pytest.raises(ValueError, match="only sums"):
        np.asarray(Columns.of(drawn()))
    with pytest.raises(ValueError, match="no run of whole parts"):
        Columns.of(drawn()).part(0, R - 100)


@pytest.mark.parametrize("replicates", [GROUPS, R, 8 * GROUPS])
def test_sums_do_not_grow_with_the_replicates_and_do_not_depend_on_the_company(replicates):
    """At most three times GROUPS parts; a column's sums are the same to the last bit, alone or beside others."""
    values = drawn(replicates)
    assert parts(replicates) == len(part_starts(replicates)) <= 3 * GROUPS
    assert parts(10**300) == 3 * GROUPS
    columns = Columns.of(values)
    alone = joined([reduced(np.ascontiguousarray(values[:, p])) for p in range(X.size)], replicates)
    np.testing.assert_allclose(alone.sums, columns.sums, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(alone.mean(), columns.mean(), rtol=1e-13)
    np.testing.assert_allclose(columns.variance(), values.var(axis=0), rtol=1e-12)
    assert np.array_equal(columns.least, values.min(axis=0))
    assert np.array_equal((-columns).most, -values.min(axis=0))


def test_differences_ratios_and_bands_of_sums_are_those_of_replicates():
    values, other = drawn(), drawn(seed=4)
    a, b = Columns.of(values), Columns.of(other)
    ratio, difference = paired_ratio(a, b), paired_difference(a, b)
    np.testing.assert_allclose(ratio.ratio, values.mean(axis=0) / other.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(difference.difference, (values - other).mean(axis=0), rtol=1e-9, atol=1e-14)
    whole = paired_difference(values - other, np.zeros_like(values))
    np.testing.assert_allclose(difference.low, whole.low, rtol=1e-9)
    groups = len(group_starts(R))  # interval and p are of one law, Student's with a degree fewer than groups
    half = difference.high - difference.difference
    error = half / stats.t.ppf(0.975, groups - 1)
    np.testing.assert_allclose(
        difference.p_value, 2 * stats.t.sf(np.abs(difference.difference) / error, groups - 1), rtol=1e-9
    )
    np.testing.assert_allclose(a.less(b, 2.0).mean(), (values - 2 * other).mean(axis=0), rtol=1e-12)
    # The band's suprema are those of sums over runs of groups, made of the replicates themselves.
    starts = group_starts(R)
    sums = np.add.reduceat(values - values.mean(axis=0), starts[:: -(-len(starts) // DRAWN)], axis=0)
    band = simultaneous_band(a)
    expected = _suprema(sums, [np.arange(X.size)])[0]
    for mine, theirs in zip((band.over.suprema, band.under.suprema), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)  # of order 1


def test_the_covariance_of_means_is_the_usual_one_where_groups_are_replicates():
    values = drawn(500)
    left = leave_out(values)
    usual = np.cov(values.T) / len(values)
    np.testing.assert_allclose(covariance(left.full, left.partial, left.sizes), usual, rtol=1e-10)
    left = leave_out(drawn(40 * GROUPS))
    usual = np.cov(drawn(40 * GROUPS).T) / (40 * GROUPS)
    np.testing.assert_allclose(covariance(left.full, left.partial, left.sizes), usual, rtol=0.25)


def test_judges_say_the_same_of_sums_as_of_replicates():
    """Of an expectation, which stands in every replicate, that it is exact; of what diverged, that it did."""
    values, errors = drawn(), drawn(seed=5) / 10
    for given in (values, Columns.of(values)):
        rate = judge_rate(given, X, 7 / X, 8 / X, None, subject="a", quantity="excess", axis="T")
        level = judge_level(given, 8 / X, None, subject="a", bound_errors=errors)
        assert (rate.outcome, rate.replicates) == ("TIGHT", R)
        assert level.outcome == "HOLDS"
    constant = Columns.of(np.full((R, 3), 0.1))
    assert constant.constant
    assert judge_level(constant, np.ones(3), None, subject="a").exact
    assert constant.variance().max() == 0
    values[7, 2] = np.nan
    broken = Columns.of(values)
    assert broken.finite.tolist() == [True, True, False, True, True]
    assert not fit_rate(broken, X).fitted
    assert "diverged" in judge_level(broken, 8 / X, None, subject="a").finding
    assert broken.without(~broken.finite).finite.tolist() == broken.finite.tolist()


def test_what_is_read_from_a_file_is_judged_as_what_is_in_memory(tmp_path):
    """All verdicts, comparisons and the table of 1,536 replicates, of which statistics read sums over parts."""
    mean = MeanEstimation(2)
    experiment = Experiment(
        question="Is it the same?",
        problem=mean,
        algorithms={"SGD": lambda p: SGD(p.T, InverseTime(1.0, 4)), "slow": lambda p: SGD(p.T, InverseTime(1.0, 40))},
        controls=("slow",),
        bounds=(strongly_convex.OPTIMIZATION,),
        sizes={"laptop": Size(Grid("T", n=(20,), T=(4, 8, 16, 32)), 1536)},
        name="same",
    )
    whole = run(experiment, progress=False).data
    store = Store(tmp_path)
    store.prepare()
    for first in range(0, 1536, 512):
        cut = slice(first, first + 512)
        store.put(
            [
                dataclasses.replace(
                    one,
                    first=first,
                    values={name: values[cut] for name, values in one.values.items()},
                    dataset={name: values[cut] for name, values in one.dataset.items()},
                    diverged_at=one.diverged_at[cut],
                )
                for one in whole.measured.values()
            ]
        )
    data = Data(whole.plan, store.lay_out(whole.measured, 1536), {})
    assert whole.values(whole.plan.cells, "excess", "last").centre is not None
    assert repr(concluded(data, find(data))) == repr(concluded(whole, find(whole)))
    pd.testing.assert_frame_equal(frame(table(data)), frame(table(whole)), check_exact=True)
