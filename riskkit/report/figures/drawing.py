"""Draws the figures of a study from a results folder: those of its ``figures/``, else the standard page.

A module of ``figures/`` draws one figure. ``EXPERIMENT`` names the experiment that it shows, and ``draw(stored)``
returns the page (or None: there is nothing to show); with ``EXPERIMENT = None`` the figure shows every experiment in
the results folder, and ``draw`` is given all of them. An experiment without a module of its own gets the standard page
``errors``; a study without ``figures/`` has no others. What ``riskkit.run`` answered and saved is no study's: it gets
the standard page, and other figures that were saved beside it are the program's own to draw again. The files lie in
``results/<experiment>/figures/``, or in ``results/figures/`` for a figure of all.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from riskkit.execution.executors import Seats
from riskkit.experiment import study
from riskkit.report.garbage import swept_up
from riskkit.store.atomic import StoreError
from riskkit.store.provenance import from_python, is_stored

if TYPE_CHECKING:
    from riskkit.report.figures.page import Page


def figure_names(home: Path) -> list[str]:
    """The modules of ``figures/`` in the study's folder; one whose name begins with "_" draws no figure."""
    return sorted(file.stem for file in (home / "figures").glob("*.py") if not file.stem.startswith("_"))


def figure_modules(home: Path | None = None) -> dict[str, ModuleType]:
    """The modules that draw a figure, by name."""
    home = home or study.folder()
    return {name: study.module(f"figures.{name}", home) for name in figure_names(home)}


def algorithm_looks(home: Path) -> Mapping[str, tuple[str, str]]:
    """``ALGORITHMS`` of the study's ``figures/__init__.py``: name -> colour and marker; empty where there is none."""
    if not (home / "figures" / "__init__.py").is_file():
        return {}
    return dict(getattr(study.module("figures", home), "ALGORITHMS", {}))


FEW = 8
"""Pages that are drawn sooner here than another process has loaded what it needs."""


class Drawn(NamedTuple):
    """The files written, a line for each figure that could not be drawn, and the others: owner, name and files."""

    paths: list[Path]
    failures: list[str]
    done: list[tuple[str | None, str, list[Path]]]


def draw_figures(
    results: Path,
    names: Iterable[str],
    venue: str | None = None,
    jobs: int = 1,
    due: Mapping[str | None, Collection[str]] | None = None,
    png: bool = False,
    of_all: bool | None = None,
    seats: Seats | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Drawn:
    """Draws every figure that one of the named experiments feeds and that has one stored, in ``jobs`` processes: a few
    here, unless there are ``seats``, processes at work.

    Each is written as .pdf, .svg, .csv (the plotted numbers), .txt (the caption) and, with ``png`` or where there is
    one, .png, the same bytes every time, in ``figures/``; those of another ``venue`` than the default (None) in
    ``figures/<venue>/``. A figure that fails costs no other. ``due``: by experiment (None: those of all), the figures
    to draw, where not all are; ``of_all``: whether to draw those of all, by default if a study has one of the names;
    ``meanwhile``: called while other processes draw, where others do. Raises StoreError if a named experiment's results
    cannot be read, ValueError for an unknown venue.
    """
    home, chosen = study.folder(), [name for name in dict.fromkeys(names) if is_stored(results / name)]
    if of_all is None:
        of_all = any(not from_python(results / name) for name in chosen)
    owners: list[str | None] = [*chosen, *([None] if of_all else [])]
    units = [(one, None if due is None else frozenset(due[one])) for one in owners if due is None or due.get(one)]
    parts: dict[tuple[str | None, frozenset[str] | None], Drawn] = {}
    if seats is not None:
        units = [(one, part) for one, what in units for part in _dealt(what, jobs)]
    many = due is None or sum(len(what or ()) for _, what in units) > FEW
    if len(units) > 1 and (seats is not None or (many and jobs > 1)):
        crew = Seats(jobs) if seats is None else seats
        try:
            futures = {(who, what): crew.submit(_draw, home, results, who, venue, what, png) for who, what in units}
            if meanwhile is not None:
                meanwhile()
            for unit, future in futures.items():
                # One whose process died (for want of memory, as a rule) is drawn here.
                with contextlib.suppress(BrokenProcessPool):
                    parts[unit] = future.result()
        finally:
            if seats is None:
                crew.kill()
    for who, what in units:
        if (who, what) not in parts:
            parts[who, what] = _draw(home, results, who, venue, what, png)
    found = [parts[unit] for unit in units]
    # A module that cannot be imported fails for every owner.
    failures = dict.fromkeys(line for part in found for line in part.failures)
    paths = [path for part in found for path in part.paths]
    return Drawn(paths, list(failures), [one for part in found for one in part.done])


def _draw(
    home: Path,
    results: Path,
    owner: str | None,
    venue: str | None,
    wanted: Collection[str] | None,
    png: bool,
) -> Drawn:
    """The figures of one experiment or, without one, those of all in the results folder; in any process."""
    # Only now: who deals them out to others draws nothing.
    from riskkit.report.figures.standard import errors
    from riskkit.report.figures.stored import stored
    from riskkit.report.figures.style import DEFAULT_VENUE, house_style, sized_for

    venue = venue or DEFAULT_VENUE
    drawn, own = Drawn([], [], []), {}
    studied = owner is None or not from_python(results / owner)
    broken = []
    for name in figure_names(home) if studied else ():
        failed = len(drawn.failures)
        with _noted(f"figure {name}", drawn):
            module = study.module(f"figures.{name}", home)
            if owner == module.EXPERIMENT:
                own[name] = module
        broken += [name] if len(drawn.failures) > failed else []
    looks: Mapping[str, tuple[str, str]] = {}
    if studied:
        with _noted("the study's colours", drawn):
            looks = algorithm_looks(home)
    folder = results / (owner or "") / "figures" / ("" if venue == DEFAULT_VENUE else venue)
    # A figure may draw on the axes itself: what it says nothing of is the house's as well.
    with sized_for(venue), house_style():
        shown: Any = []
        if owner is None:
            for one in sorted(results.iterdir()):
                with _noted(f"the figures of all leave {one.name} out, which", drawn):
                    shown += [stored(one, looks)] if is_stored(one) else []
        else:
            shown = stored(results / owner, looks)
        made: dict[str, Callable[[Any], Page | None]] = {name: module.draw for name, module in own.items()}
        if owner is not None and not made:
            made = {"errors": errors}
        for key, make in made.items():
            if wanted is not None and key not in wanted:
                continue
            paths: list[Path] = []
            with swept_up(), _noted(f"figure {key}", drawn):
                paths = _saved(make(shown), folder, key, png)
                drawn.paths.extend(paths)
                drawn.done.append((owner, key, paths))
            if not paths:
                _discard(folder, key)
    for name in broken:
        _discard(folder, name)
    if not studied:
        for path in sorted(folder.glob("*.pdf")):
            if path.stem != "errors":
                drawn.failures.append(
                    f"{path} was drawn by a function of the program that saved {owner}, and was left as it is; run "
                    "that program again to draw it"
                )
    return drawn


def _saved(page: Page | None, folder: Path, key: str, png: bool) -> list[Path]:
    """The files of a page, none where there is nothing to show."""
    return [] if page is None else page.save(folder, key, png)


def _dealt(names: frozenset[str] | None, hands: int) -> list[frozenset[str] | None]:
    """The names in at most so many parts; None, which stands for all, in one."""
    if names is None:
        return [None]
    return [part for first in range(hands) if (part := frozenset(sorted(names)[first::hands]))]


def _discard(folder: Path, key: str) -> None:
    """What an earlier run drew would pass for what is stored now."""
    from riskkit.report.figures.page import SUFFIXES

    for suffix in SUFFIXES:
        with contextlib.suppress(OSError):
            (folder / f"{key}.{suffix}").unlink(missing_ok=True)


@contextlib.contextmanager
def _noted(what: str, drawn: Drawn) -> Iterator[None]:
    """One line for whatever goes wrong inside: a study's figure may raise anything, and costs no other."""
    try:
        yield
    except (StoreError, study.StudyError) as error:
        drawn.failures.append(f"{what} could not be drawn: {str(error).rstrip('.')}")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        drawn.failures.append(f"{what} could not be drawn: {type(error).__name__}: {error} ({where})")
