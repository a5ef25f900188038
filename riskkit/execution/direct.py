"""An experiment answered in this process, from Python or a notebook: no study, no store."""

from __future__ import annotations

import dataclasses
import functools
import html
from typing import TYPE_CHECKING, Any

import numpy as np

from riskkit.experiment.plan import Plan
from riskkit.experiment.question import Experiment, Size
from riskkit.measure.quantities import Measured
from riskkit.store.table import frame
from riskkit.verdicts.data import Data
from riskkit.verdicts.finding import Comparison, Finding
from riskkit.verdicts.findings import Found, find
from riskkit.verdicts.table import table

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class Result:
    """What an experiment came to.

    Attributes:
        data: the plan and what was measured, replicate by replicate.
        found: the verdicts and the numbers they rest on.
    """

    data: Data
    found: Found

    @property
    def verdicts(self) -> list[Finding]:
        """Each with ``verdict.outcome``, ``verdict.sentence`` and its numbers."""
        return self.found.findings

    @property
    def comparisons(self) -> list[Comparison]:
        """Each algorithm against another: ratio (or difference) of means, interval, p-value, ``outcome``."""
        return self.found.comparisons

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """One row = one cell x output x quantity, as ``riskkit.load`` gives it."""
        return frame(table(self.data))

    def __str__(self) -> str:
        return "\n".join([self.data.plan.experiment.question, *(one.verdict.sentence for one in self.verdicts)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        question, *sentences = (html.escape(line) for line in str(self).split("\n"))
        return f"<p><b>{question}</b></p><ul>{''.join(f'<li>{line}</li>' for line in sentences)}</ul>"


def run(
    experiment: Experiment,
    size: str | Size = "laptop",
    *,
    replicates: int | None = None,
    seed: int | None = None,
    device: str = "cpu",
    engine: str = "auto",
) -> Result:
    """Measures an experiment at one of its sizes, or at a ``Size`` of one's own, and judges it.

    The numbers are those of ``python -m riskkit.sweep``. Raises ValueError, in one line and before any computing, for
    what makes no sense.
    """
    chosen = size if isinstance(size, Size) else experiment.size(size)
    if replicates is not None:
        chosen = Size(chosen.grids, replicates)
    if seed is not None:
        experiment = dataclasses.replace(experiment, seed=seed)
    plan = experiment.plan(chosen)
    for one in plan.runs.values():
        one.engine(device, engine)
    return judge_measured(plan, measure_plan(plan, device=device, engine=engine))


def measure_plan(plan: Plan, *, device: str = "cpu", engine: str = "auto") -> dict[str, Measured]:
    """Every run of a plan, by address, on all of its replicates."""
    groups: dict[Any, list[str]] = {}
    for address, one in plan.runs.items():
        groups.setdefault(one.company, []).append(address)
    measured: dict[str, Measured] = {}
    for addresses in groups.values():
        together = [plan.runs[address] for address in addresses]
        head = together[0]
        blocks = [
            head.measure(
                together,
                addresses,
                seed=plan.experiment.seed,
                first=first,
                dtype=plan.dtype,
                device=device,
                engine=engine,
            )
            for first in range(0, plan.size.replicates, head.block)
        ]
        for parts in zip(*blocks, strict=True):
            whole = _joined(list(parts), plan.size.replicates)
            measured[whole.run] = whole
    return measured


def judge_measured(plan: Plan, measured: dict[str, Measured]) -> Result:
    """What bounds and readings say of the measurements."""
    data = Data(plan, measured, {})
    return Result(data, find(data))


def _joined(parts: list[Measured], replicates: int) -> Measured:
    """Consecutive blocks of one run as one, cut to the replicates that were asked for."""
    head = parts[0]
    return dataclasses.replace(
        head,
        values={name: np.concatenate([part.values[name] for part in parts])[:replicates] for name in head.values},
        dataset={name: np.concatenate([part.dataset[name] for part in parts])[:replicates] for name in head.dataset},
        diverged_at=np.concatenate([part.diverged_at for part in parts])[:replicates],
    )
