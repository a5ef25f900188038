"""Draws the figures of a study from a results folder: those of its ``figures/``, else the standard page.

A module of ``figures/`` draws one figure. ``EXPERIMENT`` names the experiment that it shows, and ``draw(stored)``
returns the page (or None: there is nothing to show); with ``EXPERIMENT = None`` the figure shows every experiment in
the results folder, and ``draw`` is given all of them. An experiment without a module of its own gets the standard page
``errors``; a study without ``figures/`` has no others. The files lie in ``results/<experiment>/figures/``, or in
``results/figures/`` for a figure of all.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from riskkit.execution.executors import Seats
from riskkit.experiment import study
from riskkit.report.figures.page import Page
from riskkit.report.figures.standard import errors
from riskkit.report.figures.stored import is_stored, stored
from riskkit.report.figures.style import DEFAULT_VENUE, sized_for
from riskkit.store.atomic import StoreError


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


class Drawn(NamedTuple):
    """The files written, and a line for each figure that could not be drawn."""

    paths: list[Path]
    failures: list[str]


def draw_figures(results: Path, names: Iterable[str], venue: str = DEFAULT_VENUE, jobs: int = 1) -> Drawn:
    """Draws every figure that one of the named experiments feeds and that has one stored, in so many processes.

    Each is written as .pdf, .png, .svg, .csv (the plotted numbers) and .txt (the caption), the same bytes every time,
    in ``figures/``; those of another venue than the default in ``figures/<venue>/``. A figure that fails costs no
    other. Raises StoreError for results that cannot be read, ValueError for an unknown venue.
    """
    home, chosen = study.folder(), [name for name in dict.fromkeys(names) if is_stored(results / name)]
    if not chosen:
        return Drawn([], [])
    owners: list[str | None] = [*chosen, None]
    if jobs == 1 or len(chosen) == 1:
        parts = [_draw(home, results, owner, venue) for owner in owners]
    else:
        seats = Seats(jobs)
        try:
            futures = [seats.submit(_draw, home, results, owner, venue) for owner in owners]
            parts = [future.result() for future in futures]
        finally:
            seats.kill()
    return Drawn([path for part in parts for path in part.paths], [line for part in parts for line in part.failures])


def _draw(home: Path, results: Path, owner: str | None, venue: str) -> Drawn:
    """The figures of one experiment or, without one, those of all in the results folder; in any process."""
    modules, looks = figure_modules(home), algorithm_looks(home)
    folder = results / (owner or "") / "figures" / ("" if venue == DEFAULT_VENUE else venue)
    made: dict[str, Callable[[], Page | None]]
    with sized_for(venue):
        if owner is None:
            everything = [stored(one, looks) for one in sorted(results.iterdir()) if is_stored(one)]
            own = {key: module for key, module in modules.items() if module.EXPERIMENT is None}
            made = {key: functools.partial(module.draw, everything) for key, module in own.items()}
        else:
            one = stored(results / owner, looks)
            own = {key: module for key, module in modules.items() if owner == module.EXPERIMENT}
            made = {key: functools.partial(module.draw, one) for key, module in own.items()}
            made = made or {"errors": functools.partial(errors, one)}
        drawn = Drawn([], [])
        for key, make in made.items():
            try:
                page = make()
                drawn.paths.extend([] if page is None else page.save(folder, key))
            except (StoreError, OSError):
                raise
            except Exception as error:  # a study's figure may raise anything
                place = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{Path(place.filename).name}, line {place.lineno}"
                drawn.failures.append(f"figure {key} could not be drawn: {type(error).__name__}: {error} ({where})")
        return drawn
