"""The bounds that can be named: those of ``riskkit.theory``, and anybody's as ``module:NAME``."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import pkgutil
from types import ModuleType
from typing import Any

from riskkit import theory
from riskkit.attack.evaluation import AttackError
from riskkit.experiment.callbacks import raised_at
from riskkit.experiment.study import unknown
from riskkit.theory.bound import FORMS, Bound, Form, Inequality


@functools.lru_cache(maxsize=1)
def bounds() -> dict[str, Bound]:
    """Name -> bound, of every module of ``riskkit.theory`` in the order of its modules."""
    found: dict[str, Bound] = {}
    for entry in pkgutil.walk_packages(theory.__path__, f"{theory.__name__}."):
        for one in _within(importlib.import_module(entry.name)):
            found.setdefault(one.name, one)
    return dict(sorted(found.items()))


def _within(module: ModuleType) -> list[Bound]:
    """A module's bounds, and those in its tuples."""
    values = list(vars(module).values())
    for value in list(values):
        if isinstance(value, tuple):
            values += list(value)
    return [value for value in values if is_bound(value)]


def is_bound(thing: Any) -> bool:
    """Whether it has what is asked of a bound; a class of bounds is none."""
    members = ("name", "quantity", "output", "forms", "excludes", "evaluate")
    return not isinstance(thing, type) and all(hasattr(thing, member) for member in members)


def named(name: str) -> Bound:
    """The bound of that name, or the object that ``module:NAME`` names. AttackError, in one line, for neither."""
    if name in bounds():
        return bounds()[name]
    home, colon, own = name.partition(":")
    if not colon:
        raise AttackError(unknown("bound", name, bounds(), "riskkit attack --list"))
    try:
        thing = getattr(importlib.import_module(home), own)
    except Exception as error:  # whatever somebody's module raises
        said = " ".join(str(error).split()).rstrip(".: ")
        where = raised_at(error.__traceback__)
        raise AttackError(
            f"{name!r} must name a bound as module:NAME; {type(error).__name__}: {said}{where}."
        ) from error
    if not is_bound(thing):
        raise AttackError(f"{name!r} must name a bound, such as an Inequality; got {type(thing).__name__}.")
    return thing


def form_of(bound: Bound, form: str | None) -> Form:
    """The form that is attacked: the one asked for, else as printed, else as proved. AttackError where it has none with
    constants."""
    forms = [one for one in FORMS if one in bound.forms and one != "claim"]
    if not forms:
        raise AttackError(f"{bound.name} has only a claim, without constants; attack needs a bound that is a number.")
    if form is None:
        return "published" if "published" in forms else "proved"
    if form not in forms:
        raise AttackError(f"{bound.name} has the form {' and '.join(forms)}; got {form!r}.")
    return form


def hypotheses(bound: Bound) -> dict[str, list[int]]:
    """The hypotheses that a bound lists, by the names of the functions that make or ask them, and their places."""
    found: dict[str, list[int]] = {}
    for place, ask in enumerate(getattr(bound, "hypotheses", ())):
        found.setdefault(getattr(ask, "__qualname__", type(ask).__name__).split(".")[0].strip("_"), []).append(place)
    return found


def dropped(bound: Bound, hypothesis: str) -> Bound:
    """The bound without a hypothesis, to see whether it is needed. AttackError, in one line, where it has no such."""
    known = hypotheses(bound)
    if hypothesis not in known or not dataclasses.is_dataclass(bound):
        raise AttackError(f"{bound.name} lists the hypotheses {', '.join(known) or 'none'}; got {hypothesis!r}.")
    kept = tuple(ask for place, ask in enumerate(bound.hypotheses) if place not in known[hypothesis])
    more: dict[str, Any] = {"name": f"{bound.name} without {hypothesis}", "hypotheses": kept}
    return dataclasses.replace(bound, **more)


def needs_hypotheses(bound: Bound) -> None:
    """AttackError for a bound that asks nothing: there would be no space to search."""
    if isinstance(bound, Inequality) and not bound.hypotheses:
        raise AttackError(
            f"{bound.name} states no hypotheses, so that no instance is known to be allowed; give it "
            "hypotheses=(...), functions (problem, algorithm) -> reason or None."
        )
