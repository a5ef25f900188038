"""Which figures, tables and pages of a results folder stand, and which are to be made.

Each has the address of what it is made from: what is stored of the experiments that it shows, the module that draws it
with all that this uses, the style, which is riskkit's own, and riskkit as it runs.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from riskkit.experiment import sources, study
from riskkit.store.made import Made

STORED = ("table.parquet", "verdict.json", "run.json")
DEFAULT = "errors"
"""The figure of an experiment without a module of its own."""
TABLES, ALL_TABLES, REPORT = "tables", "tables of all", "report"


class Figure(NamedTuple):
    """A figure that is to be there; ``owner``: its experiment, None for all of them."""

    owner: str | None
    name: str
    address: str

    @property
    def output(self) -> str:
        return f"figure {self.name}"


class Standing:
    """What is to be presented of a results folder, and what of it stands: of the names, and ``of_all``."""

    def __init__(self, results: Path, names: Iterable[str], *, of_all: bool = True) -> None:
        self.results, self.of_all = results, of_all
        self.home = study.folder()
        self.everything = sorted(path.parent.name for path in results.glob("*/verdict.json"))
        self.names = [name for name in dict.fromkeys(names) if name in self.everything]
        self._owners: list[str | None] = [*self.names, *([None] if of_all and self.everything else [])]

    def stored(self, name: str) -> str:
        """The digest of what is stored of an experiment."""
        return _contents(self.results / name / file for file in STORED)

    @functools.cached_property
    def figures(self) -> list[Figure] | None:
        """Those that are to be there, by what is stored and the modules that are there when this is first asked; None
        where that cannot be told."""
        folder = self.home / "figures"
        modules = sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))
        owned: dict[str | None, list[str]] = {}
        for module in modules:
            owner = sources.literal(f"figures.{module}", "EXPERIMENT", self.home)
            # One whose owner cannot be told without importing it is drawn every time.
            owned.setdefault(owner if owner is None or isinstance(owner, str) else "", []).append(module)
        if "" in owned:
            return None
        found = []
        every = [self.stored(name) for name in self.everything] if self.of_all else []
        for owner in self._owners:
            shown = every if owner is None else [self.stored(owner)]
            own = owned.get(owner, [] if owner is None else [DEFAULT])
            for module in own:
                drawn = sources.source(f"figures.{module}", self.home)
                looks = sources.source("figures", self.home)
                found.append(Figure(owner, module, sources.digest([drawn, looks, owner, shown])))
        return found

    def forget_figures(self) -> None:
        """Removes figures that were noted and that no module draws any longer: they would pass for what is stored."""
        figures = self.figures
        wanted = {(figure.owner, figure.output) for figure in figures or ()}
        for owner in self._owners if figures is not None else ():
            made = Made(self.results / (owner or ""))
            for output in made.outputs():
                if output.startswith("figure ") and (owner, output) not in wanted:
                    made.forget(output)
                    self._png(owner, output).unlink(missing_ok=True)

    def _png(self, owner: str | None, output: str) -> Path:
        """What ``riskkit figures --png`` may have drawn beside the files that are noted."""
        return self.results / (owner or "") / "figures" / f"{output.removeprefix('figure ')}.png"

    def figures_due(self) -> Mapping[str | None, set[str]] | None:
        """Owner -> the figures that are to be drawn; None: all, for it cannot be told."""
        wanted = self.figures
        if wanted is None:
            return None
        due: dict[str | None, set[str]] = {}
        for figure in wanted:
            if not Made(self.results / (figure.owner or "")).stands(figure.output, figure.address):
                due.setdefault(figure.owner, set()).add(figure.name)
        return due

    def note_figures(self, done: Sequence[tuple[str | None, str, list[Path]]]) -> None:
        """The files of figures that were drawn: owner, name, paths."""
        addresses = {(figure.owner, figure.name): figure for figure in self.figures or ()}
        by_owner: dict[str | None, dict[str, tuple[str, list[Path]]]] = {}
        for owner, name, paths in done:
            if (figure := addresses.get((owner, name))) is not None:
                by_owner.setdefault(owner, {})[figure.output] = (figure.address, paths)
        for owner, outputs in by_owner.items():
            Made(self.results / (owner or "")).note(outputs)

    def _tables(self, name: str) -> str:
        captions = sorted((self.results / name / "figures").glob("*.txt"))
        pages = [path.name for path in sorted((self.results / name / "figures").glob("*.pdf"))]
        return sources.digest([sources.instrument(), self.stored(name), pages, _contents(captions)])

    def _all(self) -> str:
        beside = sources.source("experiments", self.home)
        return sources.digest([beside, self.everything, [self.stored(name) for name in self.everything]])

    def tables_due(self) -> list[str] | None:
        """The experiments whose tables are to be written; None: no table at all, not even those of all."""
        due = [name for name in self.names if not Made(self.results / name).stands(TABLES, self._tables(name))]
        if not due and (not self.of_all or Made(self.results).stands(ALL_TABLES, self._all())):
            return None
        return due

    def note_tables(self, paths: Sequence[Path]) -> None:
        """The files that were written."""
        for name in self.names:
            own = [path for path in paths if path.is_relative_to(self.results / name)]
            if own:
                Made(self.results / name).note({TABLES: (self._tables(name), own)})
        if self.of_all:
            together = [path for path in paths if path.parent == self.results / "tables"]
            Made(self.results).note({ALL_TABLES: (self._all(), together)})

    def _report(self) -> str:
        shown = sorted([*self.results.glob("figures/*.[st][vx][gt]"), *self.results.glob("*/figures/*.[st][vx][gt]")])
        return sources.digest(
            [self._all(), sources.source("figures", self.home), [path.name for path in shown], _contents(shown)]
        )

    def report_due(self) -> bool:
        return not Made(self.results).stands(REPORT, self._report())

    def note_report(self, path: Path) -> None:
        Made(self.results).note({REPORT: (self._report(), [path])})

    def outdated(self, part: str) -> list[Path]:
        """The files of the ``figures``, ``tables`` or ``report`` that were noted and were made from something else than
        what is stored now; where they cannot be made again, they would pass for it."""
        found: list[Path] = []
        if part == "report":
            return [self.results / "report.html"] if self.report_due() else []
        if part == "figures":
            for figure in self.figures or ():
                made = Made(self.results / (figure.owner or ""))
                if made.notes(figure.output) and not made.stands(figure.output, figure.address):
                    found += [*made.files(figure.output), self._png(figure.owner, figure.output)]
            return found
        wanted = [(self.results / name, TABLES, self._tables(name)) for name in self.names]
        wanted += [(self.results, ALL_TABLES, self._all())] if self.of_all else []
        for folder, output, address in wanted:
            if Made(folder).notes(output) and not Made(folder).stands(output, address):
                found += Made(folder).files(output)
        return found


def _contents(paths: Iterable[Path]) -> str:
    """The digest of files, those that are not there too."""
    whole = hashlib.sha256()
    for path in paths:
        whole.update(hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b"-")
    return whole.hexdigest()
