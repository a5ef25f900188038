"""The figures of the study, each drawn from what is stored.

A module of this package draws one figure. ``EXPERIMENT`` names the experiment that it shows, and ``draw(stored)``
returns the page; with ``EXPERIMENT = None`` the figure shows every experiment in the results folder, and ``draw`` is
given all of them. The files lie in ``results/<experiment>/figures/``, or in ``results/figures/`` for a figure of all.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from riskkit import plot


def modules() -> list[ModuleType]:
    """The package's modules, by name; one whose name begins with "_" draws no figure."""
    names = sorted(entry.name for entry in pkgutil.iter_modules(__path__) if not entry.name.startswith("_"))
    return [importlib.import_module(f"{__name__}.{name}") for name in names]


def draw(results: Path, names: list[str]) -> list[Path]:
    """Draws every figure that one of the named experiments feeds and that has one stored; returns the files written.

    Each is written as .pdf, .png, .csv (the plotted numbers) and .txt (the caption), the same bytes every time.
    Raises StoreError for results that cannot be read.
    """
    written: list[Path] = []
    for module in modules():
        name = module.__name__.rpartition(".")[2]
        if module.EXPERIMENT is None:
            if any(plot.is_stored(results / one) for one in names):
                everything = [plot.stored(one) for one in sorted(results.iterdir()) if plot.is_stored(one)]
                written += module.draw(everything).save(results / "figures", name)
        elif module.EXPERIMENT in names and plot.is_stored(results / module.EXPERIMENT):
            folder = results / module.EXPERIMENT
            written += module.draw(plot.stored(folder)).save(folder / "figures", name)
    return written
