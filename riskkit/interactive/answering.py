"""``run``: an experiment answered in this process, without a study and without a store."""

from __future__ import annotations

import dataclasses

from riskkit.execution.direct import measure_plan
from riskkit.experiment.question import Experiment, Size
from riskkit.experiment.vetting import vet
from riskkit.interactive.result import Result
from riskkit.verdicts.bounds import refusal
from riskkit.verdicts.data import Data
from riskkit.verdicts.findings import find


def run(
    experiment: Experiment,
    size: str | Size = "laptop",
    *,
    replicates: int | None = None,
    seed: int | None = None,
    device: str = "cpu",
    engine: str = "auto",
    jobs: int | None = None,
    progress: bool = True,
) -> Result:
    """Measures an experiment and judges it. The numbers are those of ``python -m riskkit.sweep``.

    Args:
        experiment: the question.
        size: the name of one of its sizes, or a ``Size`` of one's own.
        replicates: independent data sets and index streams for each setting (default: those of the size).
        seed: a whole number in [0, 2^64) (default: the experiment's).
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        engine: ``auto`` (the fastest that supports the problem), ``reference`` or ``fused``.
        jobs: threads (default: one a core, as far as they help).
        progress: whether to show how far it is: a bar on a terminal and in a notebook, lines elsewhere.

    Raises ValueError, in one line and before any computing, for what makes no sense, and where no bound covers any
    setting and nothing else is asked.
    """
    if not isinstance(size, Size) and size not in {*experiment.sizes, "laptop", "paper"}:
        raise ValueError(f"run: unknown size {size!r}: there are {', '.join(experiment.sizes)}; or give a Size(...).")
    chosen = size if isinstance(size, Size) else experiment.size(size)
    if replicates is not None:
        chosen = Size(chosen.grids, replicates)
    if seed is not None:
        experiment = dataclasses.replace(experiment, seed=seed)
    plan = experiment.plan(chosen, engine=engine)
    vet(plan)
    choices = {address: one.engine(device, engine) for address, one in plan.runs.items()}
    if (reason := refusal(plan)) is not None:
        raise ValueError(f"{experiment.name}: {reason}")
    measured = measure_plan(plan, choices, device=device, engine=engine, jobs=jobs, progress=progress)
    data = Data(plan, measured, {})
    return Result(data, find(data), choices)
