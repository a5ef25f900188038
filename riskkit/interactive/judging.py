"""``judge``: bounds against one measurement of ``simulate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from riskkit.experiment.plan import Cell, Plan
from riskkit.experiment.point import Grid, Point
from riskkit.experiment.question import Experiment, Size
from riskkit.experiment.runs import Simulated
from riskkit.interactive.result import Draw, Result
from riskkit.measure.quantities import Measured
from riskkit.measure.simulation import Measurement
from riskkit.report.figures.standard import errors
from riskkit.theory.bound import Bound
from riskkit.verdicts.data import Data
from riskkit.verdicts.findings import find

ADDRESS = "measurement"
"""Of the one run that is judged, which has no seed, and so no content address."""


class Judged(Result):
    """What bounds say of one measurement. It has no seed and no content address, so that it cannot be saved."""

    def save(self, folder: str | Path = "results", draw: Draw = errors) -> Path:
        """Raises ValueError: only what ``run`` answers has all that the files say."""
        raise ValueError("a measurement that was judged cannot be saved; let riskkit.run answer an experiment.")


def judge(bound: Bound | Sequence[Bound], measurement: Measurement) -> Judged:
    """Whether a bound, or each of several, holds at the checkpoints of a measurement, and whether its claim has the
    measured rate along T (which needs four of them).

    ``figure()`` draws it. Only what ``run`` answers can be saved.
    Raises ValueError, in one line, for a bound that returns what makes no sense.
    """
    bounds = tuple(bound) if isinstance(bound, Sequence) else (bound,)
    algorithm, n = measurement.algorithm, measurement.n
    rounds = tuple(int(taken) for taken in measurement.rounds)
    run = Simulated(measurement.problem, n, algorithm, rounds)
    experiment = Experiment(
        question=f"What do {', '.join(one.title for one in bounds)} say of {algorithm.name}?",
        problem=measurement.problem,
        algorithms={algorithm.name: lambda p: algorithm},
        bounds=bounds,
        quantities=measurement.quantities,
        sizes={"measured": Size(Grid("T" if len(rounds) > 1 else "", n=n, T=rounds), len(measurement.diverged_at))},
        name="measurement",
    )
    cells = tuple(
        Cell(Point({"n": n, "T": taken}), algorithm.name, algorithm, taken, run, taken, ADDRESS) for taken in rounds
    )
    plan = Plan(experiment, experiment.size("measured"), str(measurement.theta.dtype), cells, {ADDRESS: run})
    values = Measured(
        run=ADDRESS,
        first=0,
        rounds=measurement.rounds,
        values=measurement.values,
        dataset=measurement.dataset,
        diverged_at=measurement.diverged_at,
        engine=measurement.engine.engine,
    )
    data = Data(plan, {ADDRESS: values}, {})
    return Judged(data, find(data), {ADDRESS: measurement.engine})
