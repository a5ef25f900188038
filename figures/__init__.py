"""The figures of the study, each drawn from what is stored.

A module of this package draws one figure. ``EXPERIMENT`` names the experiment that it shows, and ``draw(stored)``
returns the page (or None: there is nothing to show); with ``EXPERIMENT = None`` the figure shows every experiment in
the results folder, and ``draw`` is given all of them. An experiment without a module of its own gets the standard page
``errors``. The files lie in ``results/<experiment>/figures/``, or in ``results/figures/`` for a figure of all.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from riskkit.report import plot


def modules() -> dict[str, ModuleType]:
    """The package's modules, by name; one whose name begins with "_" draws no figure."""
    names = sorted(entry.name for entry in pkgutil.iter_modules(__path__) if not entry.name.startswith("_"))
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}


def draw(results: Path, names: list[str], venue: str = plot.DEFAULT_VENUE) -> list[Path]:
    """Draws every figure that one of the named experiments feeds and that has one stored; returns the files written.

    Each is written as .pdf, .png, .svg, .csv (the plotted numbers) and .txt (the caption), the same bytes every time,
    in ``figures/``; those of another venue than the default in ``figures/<venue>/``. Raises StoreError for results that
    cannot be read, ValueError for an unknown venue.
    """
    return [path for name in dict.fromkeys(names) for path in draw_one(results, name, venue)] + (
        draw_together(results, venue) if any(plot.is_stored(results / name) for name in names) else []
    )


def draw_one(results: Path, name: str, venue: str = plot.DEFAULT_VENUE) -> list[Path]:
    """The figures of one experiment."""
    if not plot.is_stored(results / name):
        return []
    with plot.sized_for(venue):
        stored = plot.stored(results / name)
        found = modules()
        pages = {key: module.draw(stored) for key, module in found.items() if name == module.EXPERIMENT}
        if not pages:
            pages["errors"] = plot.errors(stored)
        return _save(pages, results / name, venue)


def draw_together(results: Path, venue: str = plot.DEFAULT_VENUE) -> list[Path]:
    """The figures of all experiments in the results folder."""
    with plot.sized_for(venue):
        everything = [plot.stored(one) for one in sorted(results.iterdir()) if plot.is_stored(one)]
        pages = {key: module.draw(everything) for key, module in modules().items() if module.EXPERIMENT is None}
        return _save(pages, results, venue)


def _save(pages: dict[str, plot.Page | None], owner: Path, venue: str) -> list[Path]:
    folder = owner / "figures" if venue == plot.DEFAULT_VENUE else owner / "figures" / venue
    return [path for key, page in pages.items() if page is not None for path in page.save(folder, key)]
