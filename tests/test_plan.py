"""How many replicates: against simulated coverage and power, and ``riskkit plan`` on files good and bad."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from riskkit.cli.main import main
from riskkit.stats.planning import Pilot, pilot, replicates_for_power, replicates_for_width


def test_the_width_is_reached_at_the_planned_replicates_and_not_before():
    for sd, half in ((1.0, 0.1), (0.3, 0.2), (2.0, 0.05)):
        r = replicates_for_width(sd, half)
        assert stats.t.ppf(0.975, r - 1) * sd / r**0.5 <= half
        assert stats.t.ppf(0.975, r - 2) * sd / (r - 1) ** 0.5 > half


@pytest.mark.parametrize(("groups", "power"), [(1, 0.8), (1, 0.95), (2, 0.9)])
def test_the_power_is_reached(groups, power):
    """4,000 simulated experiments: the share of significant ones is within 4 standard errors of at least the power."""
    sd, difference = 1.0, 0.5
    r = replicates_for_power(sd * groups**0.5, difference, power, groups=groups)
    rng = np.random.default_rng(groups)
    a = rng.normal(difference, sd, (4000, r))
    if groups == 1:
        p = stats.ttest_1samp(a, 0.0, axis=1).pvalue
    else:
        p = stats.ttest_ind(a, rng.normal(0.0, sd, (4000, r)), axis=1).pvalue
    error = 4 * (power * (1 - power) / 4000) ** 0.5
    assert power - error < np.mean(p < 0.05) < power + error + 0.02


def test_a_plan_from_a_pilot_is_enough_as_often_as_it_says():
    """4,000 pilots of 12: the assured standard deviation is at least the true one in 80%, within 4 standard errors."""
    rng = np.random.default_rng(3)
    enough = [pilot(rng.normal(size=12)).assured_sd(0.8) >= 1 for _ in range(4000)]
    assert abs(np.mean(enough) - 0.8) < 4 * (0.16 / 4000) ** 0.5


def test_pairs_need_fewer_replicates_than_groups():
    rng = np.random.default_rng(4)
    common = rng.normal(size=40)
    a, b = common + 0.1 * rng.normal(size=40), common + 0.1 * rng.normal(size=40)
    together, apart = pilot(a, b), pilot(a, b, paired=False)
    assert isinstance(together, Pilot)
    assert apart.groups == 2
    assert replicates_for_width(together.sd, 0.1) * 20 < replicates_for_width(apart.sd, 0.1, groups=2)


@pytest.fixture
def seeds(tmp_path):
    rng = np.random.default_rng(5)
    common = rng.normal(2.0, 0.3, size=40)
    rows = np.column_stack([common, common + 0.05 + 0.05 * rng.normal(size=40)])
    path = tmp_path / "seeds.csv"
    path.write_text("SGD,Lookahead\n" + "\n".join(f"{a!r},{b!r}" for a, b in rows.tolist()) + "\n")
    return path, rows


def test_a_file_of_seeds_is_judged_and_planned(seeds, capsys):
    path, rows = seeds
    call = ["plan", str(path), "--compare", "SGD", "Lookahead", "--power", "0.9", "--difference", "0.02"]
    assert main([*call, "--width", "0.01"]) == 0
    said = capsys.readouterr().out
    found = stats.ttest_rel(*rows.T)
    low, high = found.confidence_interval(0.95)
    assert f"95% interval [{low:.4g}, {high:.4g}]" in said
    assert "SGD against Lookahead: smaller (p < 0.001)" in said
    assert "ratio of the means" in said
    planned = pilot(rows[:, 0], rows[:, 1])
    assert f": {replicates_for_power(planned.assured_sd(0.8), 0.02, 0.9)} replicates" in said
    assert f"; {replicates_for_width(planned.sd, 0.01)} if the pilot's" in said
    assert main(["plan", str(path), "--unpaired", "--compare", "SGD", "Lookahead"]) == 0
    assert "undecided" in capsys.readouterr().out
    assert main(["plan", str(path), "--column", "SGD", "--width", "0.1", "--budget", "100"]) == 0


def test_a_results_folder_says_what_its_verdicts_need(tmp_path, capsys):
    (tmp_path / "verdict.json").write_text(
        '{"verdicts": [{"outcome": "INCONCLUSIVE", "replicates_needed": 900.0, "replicates": 64, '
        '"sentence": "a: INCONCLUSIVE: b."}, {"outcome": "HOLDS", "replicates_needed": null, "replicates": 64, '
        '"sentence": "c"}, {"outcome": "INCONCLUSIVE", "replicates_needed": null, "replicates": 64, "sentence": "d"}, '
        '{"outcome": "PRE-ASYMPTOTIC", "replicates_needed": null, "replicates": 64, "sentence": "e"}]}'
    )
    assert main(["plan", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("3 of 4 verdicts are undecided; replicates would decide 1 of them:\n")
    assert "about 900 (now 64): a\n" in said
    assert main(["plan", str(tmp_path), "--budget", "100"]) == 2
    assert "needs about 900 replicates, and the budget is 100" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("a,b\n" + "1,2\n" * 9 + "1,\n", "--compare a b", "line 11: b is missing"),
        ("a,b\n" + "1,2\n" * 9 + "1,x\n", "--compare a b", "line 11: b must be a finite number; got 'x'"),
        ("a,b\n" + "1,2\n" * 9 + "1,nan\n", "--compare a b", "b must be a finite number; got 'nan'"),
        ("a,b\n" + "1,2\n" * 9 + "1\n", "--compare a b", "line 11: 2 entries are expected; got 1"),
        ("a,b\n1,\n" + "1,2\n" * 9, "--unpaired", "line 2: b is missing, but not after it"),
        ("a,b\n" + "1,2\n" * 9 + "1,2,3\n", "--compare a b", "line 11: 2 entries are expected; got 3"),
        ("a,b\n" + "1,2\n" * 9 + "1,inf\n", "--compare a b", "b must be a finite number; got 'inf'"),
        ("a,b\n" + "1,2\n" * 9 + '1,"2,5"\n', "--compare a b", "b must be a finite number; got '2,5'"),
        ("a,b\n\n" + "1,2\n" * 9 + "1\n", "--compare a b", "line 12: 2 entries are expected; got 1"),
        ("a;b\n" + "1;2\n" * 9, "--compare a b", "a;b must be a finite number; got '1;2'"),
        ("", "--width 1", "seeds.csv"),
        ("a,a\n1,2\n", "--width 1", "each column needs a name of its own"),
        ("a,b\n", "--width 1", "it has 1 rows"),
        ("a,b\n" + "1,2\n" * 4, "--compare a b", "at least 8 pilot replicates; got 4"),
        ("a,b\n" + "1,2\n" * 9, "--compare a b --width 1", "do not vary"),
        ("a,b\n" + "1,2\n2,1\n" * 9, "--compare a c", "has no column 'c'; it has a, b"),
        ("a,b\n" + "1,2\n2,1\n" * 9, "--compare a b --width 0.01 --budget 100", "and the budget is 100"),
        (
            "a,b\n" + "1,2\n2,1\n" * 9,
            "--compare a b --power 0.9 --difference 0.001 --budget 1e4",
            "the budget is 10000",
        ),
        ("a,b\n" + "1,2\n2,1\n" * 9, "--compare a b --width 1e-9", "replicates would be needed; ask for less"),
        ("a,b\n" + "1,2\n2,1\n" * 9, "--compare a b --power 0.9", "go together"),
        ("a,b\n" + "1,2\n2,1\n" * 9, "--compare a b --width -1", "--width must be a finite number > 0"),
        ("a,b,c\n" + "1,2,3\n2,1,4\n" * 9, "--width 1", "name two with --compare"),
        (None, "--width 1", "it cannot be read"),
    ],
)
def test_bad_files_and_wishes_are_refused_in_one_line(tmp_path, capsys, text, arguments, said):
    path = tmp_path / "seeds.csv"
    if text is not None:
        path.write_text(text)
    assert main(["plan", str(path), *arguments.split()]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
