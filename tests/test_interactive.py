"""From Python, without a folder: run, judge, and results that show and save themselves."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

import riskkit
from riskkit import (
    SGD,
    Constant,
    Exact,
    Experiment,
    Grid,
    HeavyBall,
    Inequality,
    Paired,
    Size,
    Source,
    doubling,
    judge,
    run,
    simulate,
)
from riskkit.cli.main import main
from riskkit.conformance import check
from riskkit.execution import direct, progress
from riskkit.problems import LinearOnBall

PROBLEM = LinearOnBall(dim=2, radius=100.0)
HERE = Source("here", "this test", "@misc{here,\n  title = {This test},\n}\n")
ETA = 0.1


def sgd_only(problem, algorithm):
    return None if algorithm.name == "SGD" else f"this is about SGD; got {algorithm.name}."


STABILITY = Inequality(
    name="own.generalization.last",
    title="Theorem 7 of nobody",
    quantity="generalization",
    output="last",
    source=HERE,
    hypotheses=(sgd_only,),
    claim=lambda at: at.rounds / at.n,
    proved=lambda at: 2 * ETA * at.rounds * at.constants.G**2 / at.n,
)
EXPERIMENT = Experiment(
    question="Is the stability of SGD linear in T?",
    simulated=True,
    problem=PROBLEM,
    algorithms={"SGD": lambda p: SGD(p.T, Constant(ETA)), "slow": lambda p: SGD(p.T, Constant(ETA / 2))},
    bounds=(STABILITY,),
    readings=(Paired("slow", ("SGD",), of=(("optimization", "last"),)),),
    controls=("slow",),
    sizes={"laptop": Size(Grid("T", n=20, T=doubling(8, 64)), replicates=512)},
    name="own",
)


@pytest.fixture(scope="module")
def result():
    return run(EXPERIMENT)


def test_the_result_says_and_shows_what_was_found(result):
    level, rate = result.verdicts[:2]
    assert level.verdict.outcome == "HOLDS"
    assert level.verdict.sentence.startswith(
        "the generalization error of SGD (last iterate) on linear on a ball, against Theorem 7 of nobody: HOLDS: "
    )
    assert (rate.axis, rate.verdict.against) == ("T", "Theorem 7 of nobody")
    assert ("slow", "SGD") in {(one.algorithm, one.against) for one in result.comparisons}
    assert "slow / SGD, optimization (last)" in str(result)
    shown = result._repr_html_()
    assert "<b>HOLDS</b>" in shown
    assert "slow / SGD" in shown
    assert result.figure()._repr_png_().startswith(b"\x89PNG")
    assert set(result.table["algorithm"]) == {"SGD", "slow"}


def test_what_is_saved_is_what_a_sweep_leaves(result, tmp_path, capsys):
    report = result.save(tmp_path / "results")
    assert result.save(tmp_path / "results") == report == tmp_path / "results" / "report.html"
    page = report.read_text()
    assert "Theorem 7 of nobody" in page
    assert "Lookahead" not in page
    assert "riskkit.run(...)" in page
    entries = (tmp_path / "results" / "tables" / "references.bib").read_text()
    assert entries.count("@") == 2
    assert "@misc{here," in entries
    assert "@software{riskkit," in entries
    assert (tmp_path / "results" / "own" / "figures" / "errors.pdf").is_file()
    loaded = riskkit.load(tmp_path / "results" / "own")
    np.testing.assert_array_equal(loaded["mean"], result.table["mean"])
    values = riskkit.load_replicates(tmp_path / "results" / "own")
    assert len(values) == len(result.table) * 512 + len(result.table) // len(set(result.table["quantity"])) * 512
    assert main(["compare", str(tmp_path / "results" / "own")]) == 2
    assert "answered in Python" in capsys.readouterr().err


def test_what_was_saved_is_drawn_and_tabled_again_without_a_study(result, tmp_path, capsys, monkeypatch):
    """Its question is stored with it: the study that is nearest has no part in it."""
    monkeypatch.chdir(tmp_path)
    result.save()
    folder = tmp_path / "results" / "own"
    drawn = (folder / "figures" / "errors.svg").read_bytes()
    for path in [*(folder / "figures").iterdir(), *(folder / "tables").iterdir()]:
        path.unlink()
    assert main(["figures", "own", "--jobs", "1"]) == 0
    assert (folder / "figures" / "errors.svg").read_bytes() == drawn
    assert not (tmp_path / "results" / "figures").exists()
    assert main(["tables"]) == 0
    assert (folder / "tables" / "levels.tex").is_file()
    assert main(["report"]) == 0
    assert "Lookahead" not in (tmp_path / "results" / "report.html").read_text()
    (folder / "figures" / "mine.pdf").write_bytes(b"by hand")
    capsys.readouterr()
    assert main(["figures", "--jobs", "1"]) == 1
    assert "mine.pdf was drawn by a function of the program that saved own, and was left as it is" in (
        capsys.readouterr().err
    )
    assert (folder / "figures" / "mine.pdf").read_bytes() == b"by hand"
    assert main(["figures", "owl"]) == 2
    assert "did you mean own?" in capsys.readouterr().err


def test_a_save_never_replaces_a_sweep(result, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "run.json").write_text(json.dumps({"request": {"size": "laptop"}}))
    with pytest.raises(ValueError, match="save to another folder"):
        result.save(tmp_path)
    named = dataclasses.replace(result.data.plan, experiment=dataclasses.replace(EXPERIMENT, name="../own"))
    with pytest.raises(ValueError, match="plain word"):
        dataclasses.replace(result, data=dataclasses.replace(result.data, plan=named)).save(tmp_path)


@pytest.fixture(scope="module")
def measurement():
    return simulate(PROBLEM, SGD(64, Constant(ETA)), n=20, replicates=512, rounds=(8, 16, 32, 64))


def test_a_bound_is_judged_on_a_measurement_as_in_an_experiment(result, measurement):
    """The same seed, the same replicates: the same numbers."""
    judged = judge(STABILITY, measurement)
    ours, theirs = judged.verdicts[0].verdict, result.verdicts[0].verdict
    assert (ours.outcome, ours.ratio, ours.points) == (theirs.outcome, theirs.ratio, theirs.points)
    assert ours.sentence.partition("; p")[0] == theirs.sentence.partition("; p")[0]
    assert judged.verdicts[1].verdict.slope == result.verdicts[1].verdict.slope
    assert judged.figure().numbers()["x_name"].unique().tolist() == ["T"]
    with pytest.raises(ValueError, match=r"let riskkit.run answer"):
        judged.save()


def test_a_twentieth_of_the_bound_is_violated_and_another_algorithm_is_not_covered(measurement):
    low = dataclasses.replace(STABILITY, name="low", proved=lambda at: STABILITY.proved(at) / 20)
    assert judge([STABILITY, low], measurement).verdicts[2].verdict.outcome == "VIOLATED"
    with pytest.raises(ValueError, match=r"bounds must have names of their own; got low twice\."):
        judge([low, low], measurement)
    other = dataclasses.replace(measurement, algorithm=dataclasses.replace(measurement.algorithm, name="else"))
    assert judge(STABILITY, other).verdicts[0].verdict.outcome == "NOT COVERED"


def test_a_measurement_as_a_frame(measurement):
    frame = measurement.to_frame()
    assert list(frame.columns[:4]) == ["replicate", "T", "gradients", "output"]
    assert len(frame) == 512 * 4 * 2
    mine = frame[(frame["T"] == 16) & (frame["output"] == "average")]
    np.testing.assert_array_equal(mine["replicate"], np.arange(512))
    np.testing.assert_array_equal(mine["excess"], measurement.at("excess", 16, "average"))


def test_the_numbers_do_not_depend_on_the_number_of_threads(result):
    alone = run(EXPERIMENT, jobs=1)
    for address, one in result.data.measured.items():
        for quantity, values in one.values.items():
            np.testing.assert_array_equal(alone.data.measured[address].values[quantity], values)


def test_what_makes_no_sense_is_refused_before_computing(monkeypatch):
    monkeypatch.setattr(direct, "_Watch", None)  # nothing may be computed
    with pytest.raises(ValueError, match=r"own: this is about SGD; got slow\."):
        run(dataclasses.replace(EXPERIMENT, algorithms={"slow": slow}, controls=(), readings=()))
    with pytest.raises(ValueError, match=r"jobs must be a whole number >= 1; got 0\."):
        run(EXPERIMENT, jobs=0)


def slow(p):
    return HeavyBall(p.T, Constant(ETA), radius=100.0, name="slow")


def test_progress_is_a_line_where_there_is_no_terminal(monkeypatch, capsys):
    monkeypatch.setattr(direct, "PLAIN", -1.0)
    run(EXPERIMENT, replicates=300)
    assert capsys.readouterr().err.splitlines()[-1] == "100% computed, about 0 s left"
    run(EXPERIMENT, replicates=300, progress=False)
    assert capsys.readouterr().err == ""


def test_a_notebook_gets_a_bar_if_it_can_show_one(monkeypatch):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda name: None)
    assert progress.bar() is None
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda name: name == "ipywidgets")
    assert progress.bar() is not None


def test_a_results_folder_from_python_needs_no_study(result, tmp_path, monkeypatch):
    """In an empty folder, the shipped study is the nearest: its audits are no matter of somebody else's results."""
    monkeypatch.chdir(tmp_path)
    result.save()
    assert {path.stem for path in (tmp_path / "results" / "tables").glob("*.md")} == {"answers", "problems", "verdicts"}


@dataclasses.dataclass(frozen=True)
class LastOnly:
    """Plain SGD on the ball that keeps no mean of its iterates."""

    steps: int
    outputs: tuple[str, ...] = ("last",)
    name: str = "plain"

    def init(self, theta):
        return (theta.clone(),)

    def query(self, state):
        return state[0]

    def step(self, state, gradient, j):
        moved = state[0] - ETA * gradient
        return (moved * torch.clamp(100.0 / moved.norm(dim=-1, keepdim=True), max=1.0),)

    def output(self, state):
        return {"last": state[0]}


def alone(**changes):
    two = {"SGD": EXPERIMENT.algorithms["SGD"], "plain": lambda p: LastOnly(p.T)}
    fields = {"algorithms": two, "controls": ("SGD",), "readings": (), "bounds": (STABILITY,), **changes}
    return dataclasses.replace(EXPERIMENT, **fields)


def test_a_method_that_has_one_output_says_so(tmp_path):
    """Its numbers are those of SGD; the average is nobody's: no row is judged or compared, and a bound covers none."""
    average = dataclasses.replace(STABILITY, name="mean", output="average", hypotheses=())
    last = dataclasses.replace(STABILITY, hypotheses=())
    result = run(alone(bounds=(last, average)), replicates=128, progress=False)
    found = {(one.algorithm, one.bound, one.axis): one.verdict for one in result.verdicts if one.algorithm == "plain"}
    assert found["plain", last.name, None].outcome == "HOLDS"
    assert found["plain", "mean", None].outcome == "NOT COVERED"
    assert "plain has no output 'average'" in found["plain", "mean", None].finding
    assert {one.output for one in result.comparisons} == {"last"}
    rows = result.table[result.table["algorithm"] == "plain"]
    assert (rows["status"] == "ok").all()
    assert rows[rows["output"] == "average"]["mean"].isna().all()
    assert (rows[rows["output"] == "average"]["reason"] == "plain has no output 'average'").all()
    assert rows[rows["output"] == "last"]["mean"].notna().all()
    result.save(tmp_path)
    assert (tmp_path / "own" / "figures" / "errors.pdf").is_file()
    given = {"n": 20, "replicates": 64, "engine": "reference"}
    made, sgd = (simulate(PROBLEM, one, **given) for one in (LastOnly(8), SGD(8, Constant(ETA))))
    np.testing.assert_allclose(made.excess, sgd.excess, rtol=1e-12)
    assert set(made.to_frame()["output"]) == {"last"}
    with pytest.raises(KeyError, match=r"output must be one that plain has, last; got 'average'"):
        made.at("excess", output="average")
    assert not check(LastOnly(8)).faults


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"readings": (Paired("plain", ("SGD",), of=(("excess", "average"),)),)},
            r"own: Paired: plain has no output 'average'; it has last\.",
        ),
        (
            {"readings": (Exact("excess", "average", lambda at: 0 * at.rounds, algorithms=("plain",)),)},
            r"own: Exact: plain has no output 'average'",
        ),
        (
            {"algorithms": {"SGD": EXPERIMENT.algorithms["SGD"], "plain": lambda p: LastOnly(p.T, ("mean",))}},
            r"outputs must be a tuple of last and average, or of one of them; got \('mean',\)",
        ),
        (
            {
                "algorithms": {
                    "SGD": EXPERIMENT.algorithms["SGD"],
                    "plain": lambda p: LastOnly(p.T, ("last", "average")),
                }
            },
            r"output must return both last and average; got last .*one that has only one says so: outputs = ",
        ),
    ],
)
def test_what_is_asked_of_an_output_that_is_not_there_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        run(alone(**changes), progress=False)
