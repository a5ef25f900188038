"""Finite populations: draws, kernels, identity, and what is refused."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from scipy import stats

from riskkit.data import Population, auto_mpg, breast_cancer, digits, from_csv, from_npz
from riskkit.identity import address
from riskkit.rng.streams import Stream

ROWS = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])


@pytest.mark.parametrize(
    ("made", "shape", "counts", "content"),
    [
        (digits, (1797, 64), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180], "4ed945f06fa43b6f"),
        (breast_cancer, (569, 30), [357, 212], "b6ea8848af91f57b"),
        (auto_mpg, (392, 8), None, "bb08c80481cfb6c0"),
    ],
    ids=["digits", "breast cancer", "auto mpg"],
)
def test_the_shipped_rows_are_those_of_the_source(made, shape, counts, content):
    population = made()
    assert population.features.shape == shape
    assert len(np.unique(population.features, axis=0)) == len(population)
    if counts:
        assert np.bincount(population.targets).tolist() == counts
    else:
        assert population.classes == 0
        assert population.targets.min() == 9.0
        assert population.targets.max() == 46.6
    assert population.content.startswith(content)


def test_small_digits_are_means_of_four_pixels():
    whole, small = digits().features[7].reshape(8, 8), digits(4).features[7].reshape(4, 4)
    assert small[1, 2] == whole[2:4, 4:6].mean()


def test_the_share_seen_is_the_mean_over_all_samples():
    population = Population(ROWS, [0, 1, 1])
    shares = [len(set(rows)) / 3 for rows in itertools.product(range(3), repeat=4)]
    assert population.seen(4) == pytest.approx(np.mean(shares), rel=1e-14)


def test_rows_and_labels_are_drawn_as_the_kernel_says():
    """Chi-square over all (row, label) cells, p > 1e-4 with the seed fixed; 200,000 draws."""
    population = Population(ROWS, ["a", "b", "c"], noise=0.3)
    drawn = population.draw(Stream(3, range(20)), 10_000)
    found = np.zeros((3, 3))
    np.add.at(found, (drawn.rows.numpy(), drawn.targets.numpy()), 1)
    expected = population.kernel() / 3 * found.sum()
    assert population.kernel()[0] == pytest.approx([0.8, 0.1, 0.1])
    assert stats.chi2.sf(((found - expected) ** 2 / expected).sum(), 8) > 1e-4
    wrong = population.with_noise(0.32).kernel() / 3 * found.sum()
    assert stats.chi2.sf(((found - wrong) ** 2 / wrong).sum(), 8) < 1e-4


def test_the_noise_of_a_regression_is_a_fair_sign():
    """The number of signs, within 4 standard errors of half of 40,000."""
    population = Population(ROWS, [1.0, 2.0, 4.0], noise=0.25)
    drawn = population.draw(Stream(1, range(4)), 10_000)
    change = drawn.targets.numpy() - population.targets[drawn.rows.numpy()]
    assert set(np.unique(change)) == {-0.25, 0.25}
    assert abs((change > 0).sum() - 20_000) < 4 * 100


def test_draws_are_nested_in_n_and_do_not_depend_on_other_replicates():
    population = digits().with_noise(0.2)
    whole, part = population.draw(Stream(5, range(6)), 50), population.draw(Stream(5, range(2, 4)), 20)
    assert (whole.rows[2:4, :20] == part.rows).all()
    assert (whole.targets[2:4, :20] == part.targets).all()
    assert (whole.rows == digits().draw(Stream(5, range(6)), 50).rows).all()


def test_content_and_noise_identify_a_population_and_its_name_does_not():
    one = Population(ROWS, [0, 1, 1], name="one")
    assert one == Population(ROWS.tolist(), np.array([0, 1, 1]), name="other")
    assert hash(one) == hash(pickle.loads(pickle.dumps(one)))
    others = [
        Population(ROWS + np.eye(3, 2) * 1e-15, [0, 1, 1]),
        Population(ROWS, [0, 1, 0]),
        Population(ROWS, ["0", "1", "x"]),
        Population(ROWS, [0.0, 1.0, 1.0]),
        Population(ROWS.T, [0, 1]),
        one.with_noise(0.1),
        one.with_intercept(),
    ]
    addresses = {address({"population": population}) for population in [one, *others]}
    assert len(addresses) == 1 + len(others)


def test_maps_of_the_rows():
    rows = np.column_stack([ROWS, [7.0, 7.0, 7.0]])
    standard = Population(rows, [0, 1, 1]).standardized().features
    assert standard.shape == (3, 2)
    assert standard.mean(0) == pytest.approx([0, 0], abs=1e-15)
    assert standard.std(0) == pytest.approx([1, 1])
    assert np.linalg.norm(breast_cancer().in_unit_ball().features, axis=1).max() == pytest.approx(1, abs=1e-15)
    scaled = Population(ROWS, [1.0, 2.0, 6.0], noise=0.6).targets_within(1.0)
    assert scaled.targets == pytest.approx([-2 / 3, -1 / 3, 1])
    assert scaled.noise == pytest.approx(0.2)
    seven = digits().one_against_rest(7)
    assert seven.targets.sum() == 179
    assert seven.labels == ("rest", "7")
    few = digits(4).only(3, 5, 8)
    assert np.bincount(few.targets).tolist() == [183, 182, 174]
    assert few.name == "digits 4 x 4: 3, 5, 8"
    many = Population(np.arange(24.0).reshape(12, 2), range(12))
    assert many.with_intercept().targets.tolist() == list(range(12)), "classes keep their numbers"


def test_arrays_cannot_be_changed_behind_the_content():
    with pytest.raises(ValueError, match="read-only"):
        digits().features[0, 0] = 1
    mine = ROWS.copy()
    population = Population(mine, [0, 1, 1])
    mine[0, 0] = 9
    assert population.features[0, 0] == 0


@pytest.mark.parametrize(
    ("features", "targets", "noise", "message"),
    [
        ([[0.0, np.nan], [1.0, 2.0]], [0, 1], 0.0, "features must be finite; got nan at row 0, column 1 "),
        (ROWS, [1, 1, 1], 0.0, "targets must hold two classes or more; all 3 are 1"),
        (ROWS, [1.0, 1.0, 1.0], 0.0, "targets must not all be equal"),
        (ROWS, [1.0, np.inf, 1.0], 0.0, "targets must be finite; got inf at row 1"),
        (ROWS, [0, 1], 0.0, r"targets must have shape \(3,\)"),
        (ROWS[:1], [0], 0.0, r"N >= 2 rows and p >= 1 columns; got \(1, 2\)"),
        ([["a"], ["b"]], [0, 1], 0.0, "features must be a table of numbers"),
        (ROWS, [1j, 2j, 3j], 0.0, "targets must be numbers"),
        (ROWS, [0, 1, 1], 1.5, r"noise must be a number in \[0, 1\] for classes; got 1.5"),
        (ROWS, [0.0, 1.0, 1.0], -1.0, "noise must be a number finite and >= 0"),
        (ROWS, [0.0, 1.0, 1.0], np.nan, "noise must be a number finite and >= 0"),
    ],
)
def test_what_makes_no_population_is_refused_in_one_line(features, targets, noise, message):
    with pytest.raises(ValueError, match=message) as error:
        Population(features, targets, noise=noise)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("Population: ")


def test_maps_that_make_no_sense_are_refused():
    population = Population(ROWS, [0, 1, 1])
    for labels in (("9",), (), (0, 1)):
        with pytest.raises(ValueError, match="needs some, not all, of the labels"):
            population.one_against_rest(*labels)
    for labels in ((0,), (0, 9), ()):
        with pytest.raises(ValueError, match="only needs two or more of the labels"):
            population.only(*labels)
    with pytest.raises(ValueError, match="only the targets of a regression"):
        population.targets_within(1.0)
    with pytest.raises(ValueError, match="only classes have a table"):
        Population(ROWS, [0.0, 1.0, 2.0]).kernel()
    with pytest.raises(ValueError, match="every column"):
        Population(np.ones((3, 2)), [0, 1, 1]).standardized()
    with pytest.raises(ValueError, match="every row"):
        Population(np.zeros((3, 2)), [0, 1, 1]).in_unit_ball()
    with pytest.raises(ValueError, match="side must be 8 or 4"):
        digits(5)


def test_files_of_ones_own(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("a,b,kind\n1,2,x\n3,4,y\n\n5,6,x\n")
    population = from_csv(path, "kind", classes=True, noise=0.1)
    assert population == Population([[1, 2], [3, 4], [5, 6]], ["x", "y", "x"], noise=0.1)
    assert population.name == "cells"
    assert from_csv(path, "b", features=["a"]) == Population([[1], [3], [5]], [2.0, 4.0, 6.0])
    with pytest.raises(ValueError, match="there is no column 'c'; its columns are a, b, kind"):
        from_csv(path, "c")
    with pytest.raises(ValueError, match="kind must be a number in data row 1; got 'x'"):
        from_csv(path, "a")
    path.write_text("a,b\n1,2\n3\n")
    with pytest.raises(ValueError, match="b must be a number in data row 2; got nothing"):
        from_csv(path, "b")
    np.savez(tmp_path / "rows.npz", features=ROWS, targets=[0, 1, 1])
    assert from_npz(tmp_path / "rows.npz") == Population(ROWS, [0, 1, 1])
    np.savez(tmp_path / "bad.npz", x=ROWS)
    with pytest.raises(ValueError, match="must hold features and targets; it has x"):
        from_npz(tmp_path / "bad.npz")
    np.savez(tmp_path / "pickled.npz", features=ROWS, targets=np.array(["a", None, "b"], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        from_npz(tmp_path / "pickled.npz")
