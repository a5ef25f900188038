"""What an experiment came to: it shows itself in a notebook, and is saved as a sweep would leave it."""

from __future__ import annotations

import dataclasses
import functools
import html
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskkit.engines.choice import Choice
from riskkit.execution.conclusion import concluded, described, write_conclusion
from riskkit.execution.terminal import compared_lines
from riskkit.report import write_report, write_tables
from riskkit.report.figures.page import Page
from riskkit.report.figures.standard import errors
from riskkit.report.figures.stored import Stored, assembled
from riskkit.store.atomic import plain
from riskkit.store.provenance import from_python
from riskkit.store.shards import Store
from riskkit.store.table import frame
from riskkit.verdicts.data import Data
from riskkit.verdicts.finding import Comparison, Finding
from riskkit.verdicts.findings import Found
from riskkit.verdicts.table import table

if TYPE_CHECKING:
    import pandas as pd

Draw = Callable[[Stored], Page | None]


@dataclasses.dataclass(frozen=True)
class Result:
    """What ``run`` and ``judge`` answer. Printed, it is the question and what is found, one sentence each.

    Attributes:
        data: the plan and what was measured, replicate by replicate.
        found: the verdicts and the numbers they rest on.
        choices: run (its content address) -> the engine that computed it, and why.
    """

    data: Data
    found: Found
    choices: Mapping[str, Choice]

    @property
    def name(self) -> str:
        """Of the experiment: the folder that ``save`` writes."""
        return str(self.data.plan.experiment.name)

    @property
    def question(self) -> str:
        """As the experiment asks it."""
        return str(self.data.plan.experiment.question)

    @property
    def verdicts(self) -> list[Finding]:
        """Each with ``bound``, ``algorithm``, ``axis`` and ``where``, and its ``verdict``: ``outcome`` (HOLDS, TIGHT,
        ...), ``sentence`` and the numbers in it; p-values are Holm-adjusted over all of them."""
        return self.found.findings

    @property
    def comparisons(self) -> list[Comparison]:
        """Each algorithm against another: ratio (or difference) of means, 95% interval, p-value, ``outcome``."""
        return self.found.comparisons

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """One row = one cell x output x quantity, with the columns of ``riskkit.load``."""
        return frame(table(self.data))

    def figure(self, draw: Draw = errors) -> Page:
        """A page that shows itself in a notebook; ``page.save(folder, name)`` writes it as PDF, SVG and CSV.

        ``draw`` makes it, as in a module of ``figures/``; by default the errors along every axis that was judged, with
        their bounds. Raises ValueError where there is nothing to draw.
        """
        page = draw(self._stored)
        if page is None:
            raise ValueError(f"{self.name}: no rate was judged along an axis; give figure() a draw of your own.")
        return page

    def save(self, folder: str | Path = "results", draw: Draw = errors) -> Path:
        """Writes what a sweep leaves in its results folder, and returns the path of the report.

        Table, verdicts, measurements and a figure lie in ``folder/<name>``; the tables of all that is stored there,
        ``references.bib`` (the sources of the bounds, and riskkit) and ``report.html`` in ``folder``. What an earlier
        ``save`` of the same name wrote is replaced. Raises ValueError for a name that is no plain word and where a
        sweep's results lie, StoreError if it cannot be written.
        """
        folder = Path(folder)
        store = Store(self._place(folder))
        store.prepare()
        groups: dict[Any, list[str]] = {}
        for address, one in self.data.plan.runs.items():
            groups.setdefault(one.company, []).append(address)
        for addresses in groups.values():
            store.put([self.data.measured[address] for address in addresses])
        write_conclusion(self.data, self.found, self.table, store)
        store.write_json("run.json", self._record)
        if (page := draw(self._stored)) is not None:
            page.save(store.root / "figures", getattr(draw, "__name__", "figure"))
        write_tables(folder, [self.name])
        return write_report(folder)

    def _place(self, folder: Path) -> Path:
        """Where ``save`` writes, known to be free or an earlier ``save``'s."""
        if not re.fullmatch(r"\w+", self.name, re.ASCII):
            raise ValueError(f"an experiment's name must be a plain word to be saved under; got {self.name!r}.")
        place = folder / self.name
        if place.exists() and not from_python(place):
            raise ValueError(f"{place} holds something else than an earlier save; save to another folder.")
        return place

    @functools.cached_property
    def _record(self) -> dict[str, Any]:
        plan = self.data.plan
        device = "cuda" if any(choice.engine.endswith("gpu") for choice in self.choices.values()) else "cpu"
        request = {"experiment": self.name, "dtype": plan.dtype, "device": device}
        return {"request": request, **described(plan, self.choices, self.data.failures), "sessions": []}

    @property
    def _stored(self) -> Stored:
        """As figures read it, without a folder."""
        verdict, record = (plain(part) for part in (concluded(self.data, self.found), self._record))
        rows = self.table.assign(kT=self.table["k"] * self.table["T"])
        return assembled(Path(self.name), rows, verdict, record)

    def __str__(self) -> str:
        sentences = [one.verdict.sentence for one in self.verdicts]
        return "\n".join([self.question, *sentences, *compared_lines(self.comparisons), *self.found.uncompared])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """In a notebook: the question, and a row for each verdict and each comparison of two algorithms."""
        rows = [
            *((str(one.verdict.outcome), f"{one.verdict.subject}: {one.verdict.finding}") for one in self.verdicts),
            *(("", line) for line in compared_lines(self.comparisons)),
        ]
        cells = "".join(
            f'<tr><td style="white-space:nowrap"><b>{html.escape(outcome)}</b></td>'
            f'<td style="text-align:left">{html.escape(text)}</td></tr>'
            for outcome, text in rows
        )
        return f"<p><b>{html.escape(self.question)}</b></p><table>{cells}</table>"
