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

from riskkit import plot


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
    with plot.sized_for(venue):
        return _draw(results, names, Path("figures") if venue == plot.DEFAULT_VENUE else Path("figures") / venue)


def _draw(results: Path, names: list[str], folder: Path) -> list[Path]:
    found = modules()
    own = {module.EXPERIMENT for module in found.values()}
    written: list[Path] = []
    for name in dict.fromkeys(names):
        if not plot.is_stored(results / name):
            continue
        stored = plot.stored(results / name)
        pages = {key: module.draw(stored) for key, module in found.items() if name == module.EXPERIMENT}
        if name not in own:
            pages["errors"] = plot.errors(stored)
        for key, page in pages.items():
            if page is not None:
                written += page.save(results / name / folder, key)
    if any(plot.is_stored(results / name) for name in names):
        everything = [plot.stored(one) for one in sorted(results.iterdir()) if plot.is_stored(one)]
        for key, module in found.items():
            if module.EXPERIMENT is None:
                page = module.draw(everything)
                if page is not None:
                    written += page.save(results / folder, key)
    return written
