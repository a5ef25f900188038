"""Cells that have no value: counted in every sentence that would have spoken of them, never a hole."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest
from quick_sweep import show_nothing

from problems import MeanEstimation
from riskkit import (
    SGD,
    Constant,
    Exact,
    Experiment,
    GradientsTo,
    Grid,
    InverseTime,
    Lookahead,
    Own,
    Paired,
    Size,
    StagewiseLookahead,
    Tuned,
    load,
    per_octave,
)
from riskkit.algorithms import traits
from riskkit.cli import main as cli
from riskkit.execution import tasks
from riskkit.experiment import study
from riskkit.measure.blocks import measure_block
from riskkit.stats.first_passage import PassageStatus
from riskkit.theory import exact_moments
from riskkit.theory.zhou2021 import slrla
from riskkit.verdicts.counts import counted_lines
from riskkit.verdicts.data import Data
from riskkit.verdicts.findings import find

LONG = "steps of 8"
LAMS = (1.0, 0.5, 0.25, 0.125)


def known(at):
    """E[F_S - F_S*] at the ends of rounds of Lookahead: ||theta_0|| = 1, E V_S = 1 - 1/n, E||zbar||^2 = 1/n."""
    gradients = traits.gradients(at.algorithm, at.rounds)
    moments = exact_moments.mean_estimation_moments(0.5, 4, 2, np.maximum(gradients // 4, 1).astype(int))
    error = at.constants.lam / 2 * (moments.m2 * (1 + 1 / at.n) + moments.u * (1 - 1 / at.n))
    return np.where(gradients % 4 == 0, error, np.nan)


def staged(p):
    constants = p.problem.constants
    return slrla.affordable_schedule(constants, 2.0, 1.0, p.gradients, 0.5, 4, constants.lam / 8)


def long(p):
    """Steps of 8 multiply the distance by 1 - 8 lam a step: for lam = 1 and 1/2 it leaves the range of the numbers."""
    return dataclasses.replace(SGD(p.gradients, Constant(p.eta), k=4), name=LONG)


ERRORS = (("optimization", "last"), ("optimization", "average"))
COUNTS = GradientsTo(eps=(0.03, 0.02, 0.015, 0.01), counts=slrla.GRADIENTS, along="lam")
LOSING = Experiment(
    name="theorem4_counts",
    question="Who is lost?",
    simulated=True,
    problem=lambda p: MeanEstimation(dim=8, lam=p.lam),
    algorithms={
        "Lookahead": lambda p: Lookahead(p.gradients // 4, 4, 0.5, InverseTime(p.problem.constants.lam, 2)),
        "SLRLA": staged,
        "stagewise Lookahead": lambda p: StagewiseLookahead(staged(p).stages),
        LONG: Own(long, eta=(8.0,)),
    },
    read=per_octave(6),
    bounds=slrla.BOUNDS,
    readings=(
        COUNTS,
        Paired("SLRLA", ("stagewise Lookahead", LONG), of=ERRORS),
        Tuned("Lookahead", (LONG,), of=ERRORS),
        Exact("optimization", "last", known, ("Lookahead",)),
    ),
    sizes={"laptop": Size(Grid(n=20, lam=LAMS, gradients=1024), 256)},
)


@pytest.fixture(scope="module")
def whole():
    """Every cell measured; the long steps left out, which lose cells by themselves."""
    _, _, _, exact = LOSING.readings
    question = dataclasses.replace(
        LOSING,
        algorithms={name: make for name, make in LOSING.algorithms.items() if name != LONG},
        readings=(COUNTS, Paired("SLRLA", ("stagewise Lookahead",), of=ERRORS), exact),
    )
    made = question.plan(question.size("laptop"))
    measured = {}
    for problem in {run.problem for run in made.runs.values()}:
        runs = {address: run for address, run in made.runs.items() if run.problem == problem}
        algorithms = [run.algorithm for run in runs.values()]
        rounds = [np.array(run.rounds) for run in runs.values()]
        measured |= {m.run: m for m in measure_block(problem, 20, algorithms, rounds, list(runs), seed=0, first=0)}
    return Data(made, measured, {})


def no_value(**lost):
    number = sum(lost.values())
    states = ", ".join(f"{count} {state}" for state, count in sorted(lost.items()))
    return f"{'1 cell has' if number == 1 else f'{number} cells have'} no value ({states})"


def judged(data):
    return find(data).findings


def damaged(whole, name, lam, status):
    """The data with one run lost, or its last checkpoint, and how many of its cells that are."""
    (address,) = {c.address for c in whole.plan.cells if c.name == name and c.run.problem.lam == lam}
    measured = dict(whole.measured)
    cells = [cell for cell in whole.plan.cells if cell.address == address]
    if status in ("failed", "no minimiser"):
        del measured[address]
        return Data(whole.plan, measured, {address: (status, "of no use")}), len(cells)
    run = measured[address]
    diverged_at, values = run.diverged_at.copy(), {name: array.copy() for name, array in run.values.items()}
    for array in values.values():
        array[5, -1] = np.nan
    if status == "diverged":
        diverged_at[5] = cells[-1].gradients
    measured[address] = dataclasses.replace(run, values=values, diverged_at=diverged_at)
    return Data(whole.plan, measured, {}), 1


@pytest.fixture(scope="module")
def before(whole):
    return judged(whole)


def key(finding):
    return finding.bound, finding.algorithm, finding.axis, finding.where, finding.output


def test_a_question_without_losses_speaks_of_none(whole, before):
    assert not any("no value" in finding.verdict.sentence for finding in before)
    assert find(whole).uncompared == []
    outcomes = {(f.bound, f.algorithm): str(f.verdict.outcome) for f in before if f.axis is None}
    assert outcomes["theorem4.optimization.average", "SLRLA"] == "HOLDS"
    assert outcomes["theorem4.stability.average", "SLRLA"] == "HOLDS"
    assert outcomes["exact optimization.last", "Lookahead"] == "INCONCLUSIVE"  # 256 replicates do not know it to 5%


def test_every_finding_is_of_the_group_whose_statement_it_is(before):
    """The source's claims, bounds re-derived here, and the toolkit's agreement with itself are counted apart."""
    groups = {(f.bound.partition(".")[0].split(" ")[0], f.form): f.group for f in before}
    assert groups["theorem4", "proved"] == "rederived"
    assert groups["exact", "exact"] == groups["replace-one", "exact"] == "self-check"
    assert {f.group for f in before if f.form in ("claim", "published")} <= {"source"}


@pytest.mark.parametrize("status", ["failed", "no minimiser", "diverged", "non-finite"])
@pytest.mark.parametrize("name", ["Lookahead", "SLRLA"])
def test_every_verdict_that_a_lost_cell_had_a_part_in_counts_it(whole, before, name, status):
    data, lost = damaged(whole, name, 0.25, status)
    found = judged(data)
    places = [key(finding) for finding in found]
    for finding in before:
        assert key(finding) in places
    gone = status in ("diverged", "non-finite")
    for finding in found:
        sentence, lam = finding.verdict.sentence, finding.where.get("lam", 0.25)
        # The replace-one identity speaks of all cells; levels and closed forms of some of the lost ones.
        own = finding.bound == "replace-one identity" or finding.algorithm == name
        if not own or lam != 0.25:
            assert "no value" not in sentence
            continue
        of_all = finding.axis is not None or finding.bound == "replace-one identity"
        number = rf"{lost} {status}" if of_all else rf"\d+ {status}"
        assert re.search(rf"(1 cell has|\d+ cells have) no value \({number}\)", sentence), sentence
        assert not (gone and finding.verdict.outcome in ("HOLDS", "AGREES"))
        if finding.axis == "eps":
            assert finding.verdict.outcome == "INCONCLUSIVE"
            assert "too few cells are left to judge" in sentence
        if finding.axis == "lam":
            assert finding.verdict.points == (3 if finding.verdict.slope == finding.verdict.slope else 0)
    counts = counted_lines(data, COUNTS)
    counts = [c for c in counts if c.line.head.name == name and c.line.where["lam"] == 0.25]
    assert len(counts) == 8
    assert all(c.passage.status is PassageStatus.LOST and np.isnan(c.passage.at) for c in counts)
    assert all(c.to_json()["reason"] for c in counts)
    if name == "SLRLA":
        (said,) = find(data).uncompared
        cells = "1 cell has" if lost == 1 else f"{lost} cells have"
        assert said == (
            f"SLRLA / stagewise Lookahead: 1 of 4 pairs of lines not compared; {cells} no value ({lost} {status})"
        )
        assert {c.where["lam"] for c in find(data).comparisons} == {1.0, 0.5, 0.125}


def test_a_question_that_has_lost_everything_says_so_of_everything(whole, before):
    data = Data(whole.plan, {}, dict.fromkeys(whole.plan.runs, ("failed", "its worker died")))
    found = judged(data)
    assert {(f.bound, f.algorithm) for f in found} == {(f.bound, f.algorithm) for f in before}
    assert {str(f.verdict.outcome) for f in found} == {"INCONCLUSIVE"}
    assert all("its worker died" in f.verdict.sentence and "failed)" in f.verdict.sentence for f in found)
    assert find(data).comparisons == []


def test_only_a_fault_that_runs_away_is_caught_by_the_engine(whole):
    """A planted fault whose task failed has not been caught."""
    planted = (Exact("optimization", "last", known, ("SLRLA",), planted=True),)
    plan = dataclasses.replace(whole.plan, experiment=dataclasses.replace(whole.plan.experiment, readings=planted))
    for status, outcome in (("failed", "INCONCLUSIVE"), ("diverged", "DETECTED")):
        data = dataclasses.replace(whole, plan=plan)
        lost = 0
        for lam in LAMS:
            data, number = damaged(data, "SLRLA", lam, status)
            lost += number
        if status == "failed":
            data = Data(plan, data.measured, dict.fromkeys(plan.runs, ("failed", "no luck")))
        (finding,) = [f for f in judged(data) if (f.bound, f.algorithm) == ("planted optimization.last", "SLRLA")]
        assert finding.verdict.outcome == outcome
        assert f"{status})" in finding.verdict.sentence


def test_a_sweep_with_a_diverging_algorithm_and_a_failed_block(tmp_path, monkeypatch, capsys):
    """lam = 1/8 is never computed; steps of 8 leave the range of the numbers for lam = 1 and 1/2."""
    monkeypatch.setattr(study, "experiment", lambda name, home=None: LOSING)
    show_nothing(monkeypatch)
    compute = tasks.compute

    def broken(task):
        if task.request.plan().runs[task.runs[0]].problem.lam == 0.125:
            raise OSError("no such luck")
        return compute(task)

    monkeypatch.setattr(tasks, "compute", broken)
    command = ["sweep", "theorem4_counts", "--seed", "1", "--jobs", "1", "--verbose", "--out", str(tmp_path)]
    assert cli.main(command) == 1
    frame = load(tmp_path / "theorem4_counts")
    cells = frame[(frame["quantity"] == "optimization") & (frame["output"] == "last")]
    number = cells.groupby(["algorithm", "lam", "status"]).size()
    # On its way out an error passes 1e150, whose square is infinite.
    ran = {state: int(number[LONG, :, state].sum()) for state in ("diverged", "non-finite")}
    failed = {name: int(number[name, 0.125, "failed"]) for name in ("Lookahead", "SLRLA", "stagewise Lookahead", LONG)}
    assert set(cells.loc[cells["lam"] == 0.25, "status"]) == {"ok"}
    record = json.loads((tmp_path / "theorem4_counts" / "verdict.json").read_text())
    found = {}
    for v in record["verdicts"]:
        found.setdefault((v["bound"], v["algorithm"], v["axis"] or None), []).append(v)
    (level,) = found["theorem4.optimization.average", "SLRLA", None]
    plan = LOSING.plan(LOSING.size("laptop"))
    (ends,) = {len(c.algorithm.stages) for c in plan.cells if (c.name, c.point.lam) == ("SLRLA", 0.125)}
    assert level["outcome"] == "HOLDS"
    assert f"{ends} cells have no value ({ends} failed)" in level["sentence"]
    (agrees,) = found["exact optimization.last", "Lookahead", None]
    assert f"cells have no value ({failed['Lookahead']} failed)" in agrees["sentence"]
    every = found["replace-one identity", "", None]
    lost = int((cells["status"] == "failed").sum())
    assert [v["outcome"] for v in every] == ["INCONCLUSIVE"] * 2
    assert all(no_value(failed=lost, **ran) in v["sentence"] for v in every)
    for v in found["theorem4.count", "SLRLA", "lam"]:
        assert v["points"] <= 3
        assert f"{failed['SLRLA']} cells have no value ({failed['SLRLA']} failed)" in v["sentence"]
    ours, theirs, own = failed["SLRLA"], failed["stagewise Lookahead"], failed[LONG]
    assert record["uncompared"] == [
        f"SLRLA / stagewise Lookahead: 1 of 4 pairs of lines not compared; {no_value(failed=ours + theirs)}",
        f"SLRLA / {LONG}: 3 of 4 pairs of lines not compared; {no_value(failed=ours + own, **ran)}",
        f"Lookahead: 1 of 4 lines had no part in the tuning; {no_value(failed=failed['Lookahead'])}",
        f"{LONG}: 3 of 4 lines had no part in the tuning; {no_value(failed=own, **ran)}",
    ]
    said = " ".join(capsys.readouterr().out.split())
    assert all(" ".join(sentence.split()) in said for sentence in record["uncompared"])
    assert {c["status"] for c in record["counts"] if c["lam"] == 0.125} == {"not measured"}
