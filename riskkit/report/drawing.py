"""Draws the figures of a study from a results folder: those of its ``figures/``, else the standard page.

A module of ``figures/`` draws one figure. ``EXPERIMENT`` names the experiment that it shows, and ``draw(stored)``
returns the page (or None: there is nothing to show); with ``EXPERIMENT = None`` the figure shows every experiment in
the results folder, and ``draw`` is given all of them. An experiment without a module of its own gets the standard page
``errors``; a study without ``figures/`` has no others. The files lie in ``results/<experiment>/figures/``, or in
``results/figures/`` for a figure of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

from riskkit.execution.executors import Seats
from riskkit.experiment import study
from riskkit.report.page import Page
from riskkit.report.standard import errors
from riskkit.report.stored import is_stored, stored
from riskkit.report.style import DEFAULT_VENUE, sized_for


def figure_modules(home: Path | None = None) -> dict[str, ModuleType]:
    """The modules of ``figures/`` in the study's folder, by name; one whose name begins with "_" draws no figure."""
    home = home or study.folder()
    names = sorted(file.stem for file in (home / "figures").glob("*.py") if not file.stem.startswith("_"))
    return {name: study.module(f"figures.{name}", home) for name in names}


def algorithm_looks(home: Path) -> Mapping[str, tuple[str, str]]:
    """``ALGORITHMS`` of the study's ``figures/__init__.py``: name -> colour and marker; empty where there is none."""
    if not (home / "figures" / "__init__.py").is_file():
        return {}
    return dict(getattr(study.module("figures", home), "ALGORITHMS", {}))


def draw_figures(results: Path, names: Iterable[str], venue: str = DEFAULT_VENUE, jobs: int = 1) -> list[Path]:
    """Draws every figure that one of the named experiments feeds and that has one stored, in so many processes;
    returns the files written.

    Each is written as .pdf, .png, .svg, .csv (the plotted numbers) and .txt (the caption), the same bytes every time,
    in ``figures/``; those of another venue than the default in ``figures/<venue>/``. Raises StoreError for results that
    cannot be read, ValueError for an unknown venue.
    """
    home, chosen = study.folder(), [name for name in dict.fromkeys(names) if is_stored(results / name)]
    if not chosen:
        return []
    if jobs == 1 or len(chosen) == 1:
        return [path for owner in (*chosen, None) for path in _draw(home, results, owner, venue)]
    seats = Seats(jobs)
    try:
        parts = [seats.submit(_draw, home, results, owner, venue) for owner in (*chosen, None)]
        return [path for part in parts for path in part.result()]
    finally:
        seats.kill()


def _draw(home: Path, results: Path, owner: str | None, venue: str) -> list[Path]:
    """The figures of one experiment or, without one, those of all in the results folder; in any process."""
    modules, looks = figure_modules(home), algorithm_looks(home)
    pages: dict[str, Page | None]
    with sized_for(venue):
        if owner is None:
            everything = [stored(one, looks) for one in sorted(results.iterdir()) if is_stored(one)]
            pages = {key: module.draw(everything) for key, module in modules.items() if module.EXPERIMENT is None}
        else:
            one = stored(results / owner, looks)
            pages = {key: module.draw(one) for key, module in modules.items() if owner == module.EXPERIMENT}
            pages = pages or {"errors": errors(one)}
        folder = results / (owner or "") / "figures" / ("" if venue == DEFAULT_VENUE else venue)
        return [path for key, page in pages.items() if page is not None for path in page.save(folder, key)]
