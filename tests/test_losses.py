"""Cells of a race that have no value: counted in every sentence that would have spoken of them, never a hole."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest
from riskkit.experiment.race import Exact, Race, RaceSize

from problems import MeanEstimation
from riskkit import SGD, Constant, InverseTime, Lookahead, StagewiseLookahead, load
from riskkit.cli import main as cli
from riskkit.cli import sweep
from riskkit.execution import tasks
from riskkit.experiment import study
from riskkit.measure.blocks import measure_block
from riskkit.stats.first_passage import PassageStatus
from riskkit.theory import exact_moments
from riskkit.theory.zhou2021 import slrla
from riskkit.verdicts import contest
from riskkit.verdicts.evidence import Evidence

LONG = "steps of 8"
LAMS = (1.0, 0.5, 0.25, 0.125)


def known(k, alpha):
    """E[F_S - F_S*] at the ends of rounds: ||theta_0|| = 1, E V_S = 1 - 1/n, E||zbar||^2 = 1/n."""

    def expected(problem, n, gradients):
        moments = exact_moments.mean_estimation_moments(alpha, k, 2, np.maximum(gradients // k, 1).astype(int))
        error = problem.constants.lam / 2 * (moments.m2 * (1 + 1 / n) + moments.u * (1 - 1 / n))
        return np.where(gradients % k == 0, error, np.nan)

    return expected


def entries(problem, gradients):
    """Steps of 8 multiply the distance by 1 - 8 lam a step: for lam = 1 and 1/2 it leaves the range of the numbers."""
    step = InverseTime(problem.constants.lam, 2)
    plan = slrla.affordable_schedule(problem.constants, 2.0, 1.0, gradients, 0.5, 4, problem.constants.lam / 8)
    long = dataclasses.replace(SGD(gradients, Constant(8.0), k=4), name=LONG)
    return [Lookahead(gradients // 4, 4, 0.5, step), plan, StagewiseLookahead(plan.stages), long]


RACE = Race(
    name="theorem4_counts",
    question="Who is lost?",
    problems=tuple(MeanEstimation(dim=8, lam=lam) for lam in LAMS),
    entries=entries,
    targets=(0.03, 0.02, 0.015, 0.01),
    duels=(("SLRLA", "stagewise Lookahead"), ("SLRLA", LONG)),
    tuned=("Lookahead", LONG),
    exact={"Lookahead": Exact("optimization", "last", known(4, 0.5))},
    laptop=RaceSize((20,), 1024, 256),
    paper=RaceSize((20,), 1024, 256),
)


@pytest.fixture(scope="module")
def whole():
    """Every cell measured; the long steps left out, which lose cells by themselves."""

    def sound(problem, gradients):
        return entries(problem, gradients)[:3]

    race = dataclasses.replace(RACE, entries=sound, duels=RACE.duels[:1], tuned=("Lookahead",))
    made = race.plan(race.laptop)
    measured = {}
    for problem in race.problems:
        runs = {address: run for address, run in made.runs.items() if run.problem == problem}
        algorithms = [run.algorithm for run in runs.values()]
        rounds = [np.array(run.rounds) for run in runs.values()]
        measured |= {m.run: m for m in measure_block(problem, 20, algorithms, rounds, list(runs), seed=0, first=0)}
    return Evidence(made, measured, {})


def no_value(**lost):
    number = sum(lost.values())
    states = ", ".join(f"{count} {state}" for state, count in sorted(lost.items()))
    return f"{'1 cell has' if number == 1 else f'{number} cells have'} no value ({states})"


def judged(evidence):
    return contest.findings(evidence, contest.counted_lines(evidence))


def damaged(whole, role, lam, status):
    """The evidence with one run lost, or its last checkpoint, and how many of its cells that are."""
    (address,) = {c.address for c in whole.plan.cells if c.role == role and c.run.problem.lam == lam}
    measured = dict(whole.measured)
    cells = [cell for cell in whole.plan.cells if cell.address == address]
    if status in ("failed", "no minimiser"):
        del measured[address]
        return Evidence(whole.plan, measured, {address: (status, "of no use")}), len(cells)
    run = measured[address]
    diverged_at, values = run.diverged_at.copy(), {name: array.copy() for name, array in run.values.items()}
    for array in values.values():
        array[5, -1] = np.nan
    if status == "diverged":
        diverged_at[5] = cells[-1].gradients
    measured[address] = dataclasses.replace(run, values=values, diverged_at=diverged_at)
    return Evidence(whole.plan, measured, {}), 1


@pytest.fixture(scope="module")
def before(whole):
    return judged(whole)


def test_a_race_without_losses_speaks_of_none(whole, before):
    assert not any("no value" in finding.verdict.sentence for finding in before)
    assert contest.uncompared(whole) == []
    outcomes = {finding.bound: str(finding.verdict.outcome) for finding in before if finding.axis is None}
    assert outcomes["theorem4.optimization.average of SLRLA"] == "HOLDS"
    assert outcomes["theorem4.stability.average of SLRLA"] == "HOLDS"
    assert outcomes["oracle Lookahead"] == "AGREES"


@pytest.mark.parametrize("status", ["failed", "no minimiser", "diverged", "non-finite"])
@pytest.mark.parametrize("role", ["Lookahead", "SLRLA"])
def test_every_verdict_that_a_lost_cell_had_a_part_in_counts_it(whole, before, role, status):
    evidence, lost = damaged(whole, role, 0.25, status)
    found = judged(evidence)
    places = [(finding.bound, finding.axis, finding.where, finding.output) for finding in found]
    for finding in before:
        assert (finding.bound, finding.axis, finding.where, finding.output) in places
    gone = status in ("diverged", "non-finite")
    for finding in found:
        sentence, lam = finding.verdict.sentence, finding.where.get("lam", 0.25)
        # The replace-one identity speaks of all cells; levels and closed forms of some of the lost ones.
        own = finding.bound == "replace-one identity" or re.search(rf"(of |count\.|oracle ){role}$", finding.bound)
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
    counts = [c for c in contest.counted_lines(evidence) if c.line.head.role == role and c.line.where["lam"] == 0.25]
    assert len(counts) == 8
    assert all(c.passage.status is PassageStatus.LOST and np.isnan(c.passage.at) for c in counts)
    assert all(c.to_json()["reason"] for c in counts)
    if role == "SLRLA":
        (said,) = contest.uncompared(evidence)
        cells = "1 cell has" if lost == 1 else f"{lost} cells have"
        assert said == (
            f"SLRLA / stagewise Lookahead: 1 of 4 pairs of lines not compared; {cells} no value ({lost} {status})"
        )
        assert {c.about["lam"] for c in contest.comparisons(evidence)} == {1.0, 0.5, 0.125}


def test_a_race_that_has_lost_everything_says_so_of_everything(whole, before):
    evidence = Evidence(whole.plan, {}, dict.fromkeys(whole.plan.runs, ("failed", "its worker died")))
    found = judged(evidence)
    assert {f.bound for f in found} == {f.bound for f in before}
    assert {str(f.verdict.outcome) for f in found} == {"INCONCLUSIVE"}
    assert all("its worker died" in f.verdict.sentence and "failed)" in f.verdict.sentence for f in found)
    assert contest.comparisons(evidence) == []


def test_only_a_fault_that_runs_away_is_caught_by_the_engine(whole):
    """A planted fault whose task failed has not been caught."""
    planted = {"SLRLA": Exact("optimization", "last", known(4, 0.5), "planted")}
    plan = dataclasses.replace(whole.plan, experiment=dataclasses.replace(whole.plan.experiment, exact=planted))
    for status, outcome in (("failed", "INCONCLUSIVE"), ("diverged", "CAUGHT")):
        evidence = dataclasses.replace(whole, plan=plan)
        lost = 0
        for lam in LAMS:
            evidence, number = damaged(evidence, "SLRLA", lam, status)
            lost += number
        if status == "failed":
            evidence = Evidence(plan, evidence.measured, dict.fromkeys(plan.runs, ("failed", "no luck")))
        (finding,) = [f for f in judged(evidence) if f.bound == "planted SLRLA"]
        assert finding.verdict.outcome == outcome
        assert f"{status})" in finding.verdict.sentence


def test_a_sweep_with_a_diverging_entry_and_a_failed_block(tmp_path, monkeypatch, capsys):
    """lam = 1/8 is never computed; steps of 8 leave the range of the numbers for lam = 1 and 1/2."""
    monkeypatch.setattr(study, "experiment", lambda name, home=None: RACE)
    monkeypatch.setattr(sweep, "_present", lambda out, names, jobs: None)
    compute = tasks.compute

    def broken(task):
        if task.request.plan().runs[task.runs[0]].problem.lam == 0.125:
            raise OSError("no such luck")
        return compute(task)

    monkeypatch.setattr(tasks, "compute", broken)
    assert cli.main(["sweep", "theorem4_counts", "--seed", "1", "--jobs", "1", "--out", str(tmp_path)]) == 1
    frame = load(tmp_path / "theorem4_counts")
    cells = frame[(frame["quantity"] == "optimization") & (frame["output"] == "last")]
    number = cells.groupby(["algorithm", "lam", "status"]).size()
    # On its way out an error passes 1e150, whose square is infinite.
    ran = {state: int(number[LONG, :, state].sum()) for state in ("diverged", "non-finite")}
    failed = {role: int(number[role, 0.125, "failed"]) for role in ("Lookahead", "SLRLA", "stagewise Lookahead", LONG)}
    assert set(cells.loc[cells["lam"] == 0.25, "status"]) == {"ok"}
    record = json.loads((tmp_path / "theorem4_counts" / "verdict.json").read_text())
    found = {}
    for v in record["verdicts"]:
        found.setdefault((v["bound"], v["axis"] or None), []).append(v)
    (level,) = found["theorem4.optimization.average of SLRLA", None]
    ends = len(RACE.entries(RACE.problems[-1], 1024)[1].stages)
    assert level["outcome"] == "HOLDS"
    assert f"{ends} cells have no value ({ends} failed)" in level["sentence"]
    (agrees,) = found["oracle Lookahead", None]
    assert f"cells have no value ({failed['Lookahead']} failed)" in agrees["sentence"]
    every = found["replace-one identity", None]
    lost = int((cells["status"] == "failed").sum())
    assert [v["outcome"] for v in every] == ["INCONCLUSIVE"] * 2
    assert all(no_value(failed=lost, **ran) in v["sentence"] for v in every)
    for v in found["theorem4.count.SLRLA", "lam"]:
        assert v["points"] <= 3
        assert f"{failed['SLRLA']} cells have no value ({failed['SLRLA']} failed)" in v["sentence"]
    ours, theirs, own = failed["SLRLA"], failed["stagewise Lookahead"], failed[LONG]
    assert record["uncompared"] == [
        f"SLRLA / stagewise Lookahead: 1 of 4 pairs of lines not compared; {no_value(failed=ours + theirs)}",
        f"SLRLA / {LONG}: 3 of 4 pairs of lines not compared; {no_value(failed=ours + own, **ran)}",
        f"Lookahead: 1 of 4 lines had no part in the tuning; {no_value(failed=failed['Lookahead'])}",
        f"{LONG}: 3 of 4 lines had no part in the tuning; {no_value(failed=own, **ran)}",
    ]
    said = capsys.readouterr().out
    assert all(sentence in said for sentence in record["uncompared"])
    assert {c["status"] for c in record["counts"] if c["lam"] == 0.125} == {"not measured"}
