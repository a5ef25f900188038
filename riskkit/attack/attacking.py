"""``attack``: the search for the worst case of a bound, and what it came to."""

from __future__ import annotations

import functools
import hashlib
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import riskkit
from riskkit.attack.answer import Answer
from riskkit.attack.arms import Arm, Family, Schedule
from riskkit.attack.catalogue import dropped, form_of, named, needs_hypotheses
from riskkit.attack.evaluation import AttackError, Value, evaluate
from riskkit.attack.families import FAMILIES
from riskkit.attack.journal import Journal
from riskkit.attack.schedules import BEYOND, SCHEDULES
from riskkit.attack.search import Found, Search
from riskkit.execution.telling import tell
from riskkit.theory.bound import Bound

EVALUATIONS = 3000
SECONDS = 110.0
TIGHT = 1.5
JUDGED = 4096
"""Fresh replicates on which an instance without an exact way is judged."""
FIRST = 2**20
"""The first of them: none was searched on."""


def attack(
    bound: Bound | str,
    *,
    form: str | None = None,
    evaluations: int = EVALUATIONS,
    seconds: float = SECONDS,
    tight: float = TIGHT,
    seed: int = 0,
    simulate: bool = False,
    without: str | None = None,
    file: str | Path | None = None,
    label: str = "",
    families: Sequence[Family] = FAMILIES,
    schedules: Sequence[Schedule] | None = None,
    progress: bool = True,
) -> Answer:
    """Searches the instances that a bound's hypotheses allow for the largest measured / bound.

    Args:
        bound: a bound, or the name of one; that of one's own is ``my.module:BOUND``.
        form: ``published`` or ``proved``; default: as printed where it is.
        evaluations: how many instances are evaluated; the answer depends on this and on the seed alone.
        seconds: after so many the search stops where it is, and says so.
        tight: the bound is called TIGHT where measured / bound is at least 1/tight.
        simulate: whether to take instances whose expectations are not known exactly, too.
        without: a hypothesis to be dropped, to see whether the bound needs it; instances on which the bound then cannot
            be evaluated are passed by. Step sizes then go beyond what constants allow.
        file: where evaluations are kept; a search with the same file goes on where it was.
        label: how the bound is named in the program that is written, default: by its name.
        families, schedules: the problems and the algorithms that are tried; an instance is allowed if the bound's
            ``excludes`` has no reason against it.

    Raises AttackError (a ValueError), in one line and before any computing: an unknown bound or form, one without
    constants or without hypotheses, an empty space, a budget of 0, the file of another search.
    """
    chosen = named(bound) if isinstance(bound, str) else bound
    which = form_of(chosen, form)
    needs_hypotheses(chosen)
    chosen = chosen if without is None else dropped(chosen, without)
    _positive("evaluations", evaluations)
    _positive("seconds", seconds)
    if not tight >= 1:
        raise AttackError(f"tight must be a number >= 1; got {tight!r}.")
    if schedules is None:
        schedules = SCHEDULES if without is None else BEYOND
    arms = [Arm(family, schedule) for family in families for schedule in schedules]
    label = label or (bound if isinstance(bound, str) else bound.name)
    header = {
        "bound": label,
        "code": _code(),
        "form": which,
        "seed": seed,
        "evaluations": evaluations,
        "simulate": simulate,
        "without": without,
        "space": [[arm.name, *map(str, arm.parameters)] for arm in arms],
    }
    journal = Journal(None, header)
    search = Search(
        chosen, which, arms, evaluations, seconds, seed, journal, simulate, without is not None, _Progress(progress)
    )
    allowed = [arms[arm] for arm in search.allowed]
    if file is not None:
        search.journal = Journal(Path(file), header)
    try:
        search.run()
    finally:
        search.journal.close()
    best = search.best
    if best is None:
        return Answer(chosen, label, which, tight, seed, search.done, evaluations, search.cut, tuple(allowed))
    instance, value = search.instance(best), best.value
    if not value.exact:
        value = _judged(chosen, which, search, best)
    arm = arms[best.arm]
    return Answer(
        chosen,
        label,
        which,
        tight,
        seed,
        search.done,
        evaluations,
        search.cut,
        tuple(allowed),
        instance=instance,
        value=value,
        arm=arm,
        coordinates=best.coordinates,
        without=without,
    )


def _judged(bound: Bound, form: str, search: Search, best: Found) -> Value:
    """On replicates that the search has not seen."""
    fresh = evaluate(bound, form, search.instance(best), replicates=JUDGED, first=FIRST, seed=search.seed)  # type: ignore[arg-type]
    if fresh is None:
        raise AttackError(f"{bound.name}: the best instance diverges on fresh replicates; search with another seed.")
    return fresh


@functools.lru_cache(maxsize=1)
def _code() -> str:
    """Of all that is installed of riskkit: a file of evaluations goes with the code that made them."""
    home = Path(riskkit.__file__).resolve().parent
    problems = Path(importlib.import_module("riskkit.problems").__path__[0])
    found = hashlib.sha256()
    for file in sorted([*home.rglob("*.py"), *problems.glob("*.py")]):
        found.update(file.read_bytes())
    return found.hexdigest()[:16]


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise AttackError(f"{name} must be a number > 0; got {value!r}.")


class _Progress:
    """A line on standard error, at most one a second; in place on a terminal."""

    def __init__(self, wanted: bool) -> None:
        self._wanted, self._last, self._every = wanted, time.monotonic(), 1.0 if sys.stderr.isatty() else 15.0

    def __call__(self, done: int, most: int, best: Found | None) -> None:
        now = time.monotonic()
        if not self._wanted or now < self._last + self._every:
            return
        self._last = now
        ratio = "none yet" if best is None else f"{best.value.ratio:.4g}"
        tell(f"{done} of {most} evaluations; largest measured / bound so far: {ratio}")
