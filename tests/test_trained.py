"""Trained runs as an experiment's runs: blocks, company, searches, comparisons, controls, bad input."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from riskkit import Experiment, Grid, Inequality, Own, Paired, Size, Source, run
from riskkit.data import Population, digits
from riskkit.experiment import Run, Same, Trained, Unbiased
from riskkit.experiment.runs import run_address
from riskkit.sweep import main
from riskkit.training import MLP, Axis, Recipe, Search, tune
from riskkit.verdicts.table import table

NET = MLP(64, (8,), 10)
PLAIN = Recipe("SGD", 0.2, 1e-3, steps=30, batch=8)
SLA = dataclasses.replace(PLAIN, wrapper="Lookahead", k=5, alpha=0.8)
NONE = dataclasses.replace(SLA, wrapper="SLRLA")
SEARCH = Search((Axis("lr", 0.05, 4.0), Axis("weight_decay", 0.01, 4.0)), looks=2, size=4, replicates=4)
BOUND = Inequality(
    name="none.excess.last",
    title="a bound on a problem",
    quantity="excess",
    output="last",
    source=Source("none", "none", "@misc{none, title = {None}}", ""),
    proved=lambda at: 1.0 / at.rounds,
)


def trained(recipe, n=40, **more):
    return Trained(digits(), NET, n, recipe, **more)


EXPERIMENT = Experiment(
    question="Do trained runs go the way of all runs?",
    algorithms={
        "SGD": lambda p: trained(PLAIN, p.n),
        "SLA": lambda p: trained(SLA, p.n),
        "SLRLA": Own(lambda p: trained(dataclasses.replace(NONE, beta=p.beta), p.n), beta=(0.1, 1.0)),
        "SLRLA, beta = 0": lambda p: trained(NONE, p.n),
        "tuned": lambda p: trained(PLAIN, p.n, search=SEARCH),
        "best look": lambda p: trained(PLAIN, p.n, test=60, looks=tuple(range(2, 30, 2))),
    },
    bounds=(BOUND,),
    readings=(
        Paired("SLRLA", ("SLA",), of=(("excess", "last"), ("error", "last")), by="difference"),
        Paired("tuned", ("SGD",), of=(("excess", "last"),), by="difference"),
        Same("SLRLA, beta = 0", ("SLA",)),
        Same("SLA", ("SGD",)),
        Unbiased("optimism", "last", "error", ("best look",), planted=True),
    ),
    sizes={"laptop": Size(Grid(n=40), replicates=32)},
)


@pytest.fixture(scope="module")
def result():
    return run(EXPERIMENT)


def test_verdicts_on_networks(result):
    said = {(f.bound, f.algorithm): f.verdict for f in result.found.findings}
    assert said["same as SLA", "SLRLA, beta = 0"].outcome == "AGREES"
    assert "equal to the last bit in all 32 replicates" in said["same as SLA", "SLRLA, beta = 0"].sentence
    assert "Holm" not in said["same as SLA", "SLRLA, beta = 0"].sentence  # nothing is tested
    assert said["same as SGD", "SLA"].outcome == "DISAGREES"
    # A word asks for 119 replicates, and here are 32: the optimism is measured, and nothing is called detected.
    assert said["planted optimism.last", "best look"].outcome == "INCONCLUSIVE"
    assert {v.outcome for (bound, _), v in said.items() if bound == BOUND.name} == {"NOT COVERED"}


def test_differences_of_means_are_paired_and_a_search_is_told(result):
    found = {(c.algorithm, c.quantity, c.where.get("beta")): c for c in result.found.comparisons}
    data = result.data
    (sla,), slrla = data.named("SLA"), data.named("SLRLA")
    for cell in slrla:
        one = found["SLRLA", "error", cell.point["beta"]]
        own = np.asarray(data.values([cell, sla], "error", "last"))
        assert one.difference == pytest.approx((own[:, 0] - own[:, 1]).mean(), abs=1e-15)
        assert one.low < one.difference < one.high
        assert np.isnan(one.ratio)
    (tuned,) = [c for c in result.found.comparisons if c.algorithm == "tuned"]
    assert tuned.note.startswith(" (one of them tuned; over 8 and 1 settings")


def test_the_table_has_the_share_that_was_seen_and_what_was_chosen(result):
    columns = table(result.data)
    place = columns["algorithm"].index("tuned")
    assert columns["seen"][place] == pytest.approx(1 - (1 - 1 / 1797) ** 40)
    chosen = tune(digits(), NET, 40, PLAIN, SEARCH, 0)
    assert columns["tuned_lr"][place] == chosen.recipe.lr
    assert columns["configurations"][place] == 8 == len(chosen.tried)
    assert columns["searches"][place] == 2
    assert columns["problem"][place] == "MLP on digits"


def test_company_order_and_blocks_change_no_byte(result):
    plan = result.data.plan
    runs = list(plan.runs.items())
    head = runs[0][1]
    assert isinstance(head, Run)
    rest = {"seed": 0, "first": 0, "dtype": "float64", "device": "cpu", "engine": "auto"}
    backwards = [run for _, run in reversed(runs)]
    found = head.measure(backwards[-3:], [address for address, _ in reversed(runs)][-3:], **rest)
    for one in found:
        before = result.data.measured[one.run]
        for name, values in one.values.items():
            assert np.array_equal(values, before.values[name], equal_nan=True), name
    twice = trained(SLA, block=16)
    parts = [
        twice.measure([twice], ["x"], seed=0, first=first, dtype="float64", device="cpu", engine="auto")[0]
        for first in (0, 16)
    ]
    assert not np.array_equal(parts[0].values["excess"], parts[1].values["excess"])
    assert run_address(twice, 0, "float64") != run_address(trained(SLA), 0, "float64")


def test_everything_that_decides_a_number_decides_the_address():
    runs = [
        trained(PLAIN),
        trained(PLAIN, n=41),
        trained(SLA),
        trained(NONE),
        trained(PLAIN, search=SEARCH),
        trained(PLAIN, search=dataclasses.replace(SEARCH, looks=3)),
        trained(PLAIN, test=5),
        trained(PLAIN, looks=(5,), test=5),
        Trained(digits().with_noise(0.1), NET, 40, PLAIN),
        Trained(digits(side=4), MLP(16, (8,)), 40, PLAIN),
        Trained(digits(), MLP(64, (9,)), 40, PLAIN),
    ]
    assert len({run_address(one, 0, "float64") for one in runs}) == len(runs)


# Searches.


def test_a_search_moves_beyond_an_end_and_says_when_it_ends_there():
    """The first lr is far too small: every look follows it upwards. One look alone ends its grid."""
    axes = (Axis("lr", 1e-4, 8.0),)
    far = tune(digits(), NET, 40, PLAIN, Search(axes, looks=6, size=2, replicates=4), 0)
    assert far.inside
    assert 0.02 < far.recipe.lr < 5
    assert len(far.tried) == 12
    assert far.mean == min(far.tried.values())
    near = tune(digits(), NET, 40, PLAIN, Search(axes, looks=1, size=2, replicates=4), 0)
    assert not near.inside


def test_a_search_selects_on_replicates_of_its_own():
    search = Search((Axis("lr", 0.2, 2.0),), looks=1, size=2, replicates=32)
    found = tune(digits(), NET, 40, PLAIN, search, 0)
    judged = trained(found.recipe).measure(
        [trained(found.recipe)], ["x"], seed=0, first=0, dtype="float64", device="cpu", engine="auto"
    )
    assert found.mean != float(judged[0].values["excess"][:, 0, 0].mean())


def test_0_is_a_point_of_an_axis_and_its_natural_end():
    axis = Axis("beta", 0.01, 4.0, zero=True)
    assert [axis.value(i) for i in (-2, -1, 0, 1)] == [None, 0.0, 0.01, 0.04]
    search = Search((axis,), looks=1, size=3)
    assert search.inside((-1,), {(-1,), (0,)})
    assert not search.inside((0,), {(-1,), (0,)})
    assert list(itertools.islice(search.near((0,)), 3)) == [(0,), (-1,), (1,)]


def test_a_comparison_with_a_best_value_at_an_end_decides_nothing():
    short = Search((Axis("lr", 1e-4, 8.0),), looks=1, size=2, replicates=4)
    made = dataclasses.replace(
        EXPERIMENT,
        algorithms={"SGD": lambda p: trained(PLAIN, p.n), "tuned": lambda p: trained(PLAIN, p.n, search=short)},
        bounds=(),
        readings=(Paired("tuned", ("SGD",), of=(("excess", "last"),), by="difference"),),
    )
    (one,) = run(made).found.comparisons
    assert one.low > 0
    assert one.outcome == "undecided"
    assert "a best value of tuned ends its grid" in one.note


def test_the_tuned_comparison_of_table_3_has_its_controls():
    """Equal numbers of configurations, weight decay tuned for all, beta = 0 in SLRLA's search, both forms of it, a
    shorter step for SLA, and what the first slides of the authors name beside the table."""
    from experiments import table3_tuned

    made = table3_tuned.EXPERIMENT.plan(table3_tuned.EXPERIMENT.size("laptop"))
    runs = {cell.name: cell.run for cell in made.cells}
    searches = {name: run.search for name, run in runs.items() if run.search}
    assert {(s.configurations, s.replicates) for s in searches.values()} == {(12, 8)}
    assert all({"lr", "weight_decay"} <= {axis.name for axis in s.axes} for s in searches.values())
    for name in ("SLRLA", "SLRLA as coded"):
        assert [axis.zero for axis in searches[name].axes if axis.name == "beta"] == [True]
    assert runs["SLRLA"].recipe.anchor_every is None
    assert runs["SLRLA as coded"].recipe.anchor_every == 5
    assert searches.keys() >= {"Adam", "AdamW", "RAdam", "AdaBound", "AdaBelief", "LA(Adam)", "Polyak averaging"}
    assert runs["matched SLA"].recipe.lr == pytest.approx(0.055, abs=5e-4)
    given = [runs[f"SLRLA{form}, beta = 0.2"].recipe for form in ("", " as coded")]
    assert [(one.lr, one.weight_decay, one.beta) for one in given] == [(0.1, 1e-3, 0.2)] * 2


# Bad input.


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--n", "5000"], "n = 5000 asks for more draws than digits has rows"),
        (["--engine", "fused"], "networks run side by side"),
        (["--problem", "Ridge"], "the runs of table3 have none"),
    ],
)
def test_a_sweep_of_networks_that_makes_no_sense_is_refused_before_computing(words, said, tmp_path, capsys):
    status = main(["table3", *words, "--dry-run", "--out", str(tmp_path / "x")])
    told = capsys.readouterr().err
    assert status == 2
    assert said in told
    assert told.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_a_network_that_cannot_be_trained_is_refused_by_the_plan():
    made = {"SGD": lambda p: Trained(digits(), MLP(63), p.n, PLAIN)}
    wrong = dataclasses.replace(EXPERIMENT, algorithms=made, bounds=(), readings=())
    with pytest.raises(ValueError, match="vmap cannot run this module on 64 features") as caught:
        wrong.plan(wrong.size("laptop"))
    assert "\n" not in str(caught.value)


def test_looks_and_populations_are_checked():
    with pytest.raises(ValueError, match="looks must lie between 0 and 30 steps"):
        trained(PLAIN, looks=(30,))
    with pytest.raises(ValueError, match="must be finite"):
        Population(np.full((4, 2), np.nan), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="two classes or more"):
        Population(np.eye(4), [1, 1, 1, 1])


STUDY = """
import numpy as np
import torch
from dataclasses import dataclass
from riskkit import Experiment, Grid, Size
from riskkit.data import Population
from riskkit.experiment import Trained
from riskkit.training import MLP, Recipe

ROWS, CLASSES = np.eye(6), [0, 1] * 3


class Branch(torch.nn.Linear):
    def forward(self, x):
        return super().forward(x) if x.sum().item() > 0 else x[:, :2]


@dataclass(frozen=True)
class Odd:
    def build(self):
        return Branch(6, 2)


def one(population, network=MLP(6, (4,), 2)):
    return Experiment(
        question="Is it refused?",
        algorithms={"SGD": lambda p: Trained(population(), network, p.n, Recipe(steps=5))},
        sizes={"laptop": Size(Grid(n=4), replicates=32)},
    )
"""
WRONG = {
    "hole": ("one(lambda: Population(ROWS * np.nan, CLASSES))", "features must be finite; got nan at row 0, column 0"),
    "same": ("one(lambda: Population(ROWS, [1] * 6))", "targets must hold two classes or more; all 6 are 1"),
    "few": ("one(lambda: Population(ROWS[:3], CLASSES[:3]))", "n = 4 asks for more draws than population has rows (3)"),
    "branch": ("one(lambda: Population(ROWS, CLASSES), Odd())", "Odd: torch.func.vmap cannot run this module"),
}


def test_a_study_of_networks_that_cannot_be_trained_is_one_line_and_status_2(tmp_path):
    """In a process of its own, since a study's modules have short names."""
    folder = tmp_path / "experiments"
    folder.mkdir()
    (folder / "_parts.py").write_text(STUDY)
    for name, (made, _) in WRONG.items():
        (folder / f"{name}.py").write_text(f"from experiments._parts import *\n\nEXPERIMENT = {made}\n")
    program = (
        "import sys\nfrom riskkit.sweep import main\n"
        f"for name in {list(WRONG)}:\n    print(main([name, '--out', 'out']), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[1::2] == ["2"] * len(WRONG), done.stderr
    for line, (_, said) in zip(lines[::2], WRONG.values(), strict=True):
        assert said in line
    assert not (tmp_path / "out").exists()


# Figures.


def stored(comparisons):
    """What the figures read, made by hand."""
    import pandas as pd

    from riskkit.report import plot

    rows = pd.DataFrame({"problem": ["MLP on digits"], "replicates": [32]})
    return plot.Stored(Path("none"), rows, [], comparisons, [], [], "", {"algorithms": [], "controls": []})


def compared(algorithm, against, quantity, difference, noise=0.2, **more):
    ends = {"low": difference - 0.01, "high": difference + 0.01, "ratio": None, "output": "last"}
    about = {"algorithm": algorithm, "against": against, "quantity": quantity, "n": 400.0, "noise": noise}
    return {**about, "difference": difference, **ends, **more}


def test_the_figure_of_differences_shows_every_part_and_the_printed_numbers_beside_it():
    from figures import table3, table3_tuned

    note = " (both tuned)"
    found = [
        compared(name, f"stagewise SGD{note}", quantity, value)
        for name in ("SLA", "SLRLA", "Polyak averaging")
        for quantity, value in (("optimization", 0.2), ("generalization", -0.1), ("excess", 0.1), ("error", 0.003))
    ]
    found.append(compared("SLRLA", "SLA (both tuned; a best value of SLRLA ends its grid)", "excess", 0.1))
    page = table3_tuned.draw(stored(found))
    drawn = [(r["algorithm"], r["kind"], r["y"]) for r in page.records]
    assert len([r for r in drawn if r[1] == "difference"]) == 12  # those against stagewise SGD alone
    assert len([r for r in drawn if r[1] == "printed"]) == 14  # Polyak averaging is not in the table
    points = [r["x"] for r in page.records if r["kind"] == "difference" and r["quantity"] == "error"]
    assert points == pytest.approx([0.3] * 3)
    sla = [r["x"] for r in page.records if r["kind"] == "printed" and r["algorithm"] == "SLA"]
    assert sla == pytest.approx([-0.04, -0.25, -0.22, -0.10, -0.23, -0.59, -0.07])
    page = table3.draw(stored(found))
    assert {r["algorithm"] for r in page.records} >= {"SLRLA - SLA", "SLA - stagewise SGD"}
    assert any("Hollow" in note for note in page.notes)
    assert table3.draw(stored([])) is table3_tuned.draw(stored([])) is None
