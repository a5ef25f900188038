"""What an experiment says of itself, looked at when it is made: types, names, literals, coordinates."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from riskkit.algorithms.arguments import whole
from riskkit.measure.own import Quantity
from riskkit.problem import Problem

USUAL = ("laptop", "paper")
BOUND = ("name", "title", "quantity", "output", "source", "forms", "excludes", "evaluate")
PROTOCOL = tuple(name for name in Problem.__dict__ if not name.startswith("_"))


def declared(experiment: Any) -> None:
    """Raises ValueError, in one line, for the first thing that cannot be meant."""
    name = experiment.name
    if not isinstance(experiment.question, str) or not experiment.question.endswith("?"):
        raise ValueError(f"{name}: question must end with a question mark; got {experiment.question!r}.")
    _plain(name, "question", experiment.question)
    _plain(name, "title", experiment.title)
    if isinstance(experiment.seed, bool) or not isinstance(experiment.seed, int) or not 0 <= experiment.seed < 2**64:
        raise ValueError(f"{name}: seed must be a whole number in [0, 2^64); got {experiment.seed!r}.")
    whole(name, "neighbours", experiment.neighbours, 1)
    _problem(name, experiment.problem)
    _algorithms(name, experiment.algorithms)
    _sizes(name, experiment.sizes)
    for field in ("bounds", "readings", "controls", "quantities"):
        given = getattr(experiment, field)
        if isinstance(given, str) or not isinstance(given, tuple | list):
            raise ValueError(f"{name}: {field} must be a tuple, such as ({field[:-1]},); got {_said(given)}.")
    for bound in experiment.bounds:
        lacks = [member for member in BOUND if not hasattr(bound, member)]
        if lacks or isinstance(bound, type):
            raise ValueError(
                f"{name}: a bound must be an Inequality, or have its members; {_said(bound)} lacks {', '.join(lacks)}."
            )
        _plain(name, "the title of a bound", bound.title)
    names = [getattr(own, "name", None) for own in experiment.quantities]
    for own in experiment.quantities:
        if not isinstance(own, Quantity):
            raise ValueError(f"{name}: a quantity must be a Quantity(name, function); got {_said(own)}.")
        if names.count(own.name) > 1:
            raise ValueError(f"{name}: quantities must have names of their own; got {own.name} twice.")
        _plain(name, "the name of a quantity", own.name)
    for reading in experiment.readings:
        if isinstance(reading, str | type):
            raise ValueError(f"{name}: a reading must be an object such as Best(...); got {_said(reading)}.")
    if experiment.read is not None and not callable(experiment.read):
        raise ValueError(f"{name}: read must be per_octave(...) or None; got {experiment.read!r}.")
    if not isinstance(experiment.limits, Mapping) or not all(map(callable, experiment.limits.values())):
        raise ValueError(f"{name}: limits must map quantities to functions; got {_said(experiment.limits)}.")
    _coordinates(experiment)


def is_problem(given: Any) -> str | None:
    """Why something is no problem, in words, or None."""
    if isinstance(given, type):
        return f"got the class {given.__name__}; write {given.__name__}(...)"
    kind = type(given)
    fields = getattr(kind, "__dataclass_fields__", {})
    lacks = [name for name in PROTOCOL if not hasattr(kind, name) and name not in fields]
    if len(lacks) == len(PROTOCOL):
        return f"got {_said(given)}"
    if lacks:
        return f"{kind.__name__} lacks {', '.join(lacks)}"
    if getattr(kind, "__hash__", None) is None:
        return f"{kind.__name__} cannot be told from others; add @dataclass(frozen=True)"
    if MATHEMATICS in str(given.name):
        return f"the name of {kind.__name__} must have no {MATHEMATICS}, {BEGINS}; got {given.name!r}"
    return None


MATHEMATICS, BEGINS = "$", "which would begin mathematics in figures"


def _plain(name: str, what: str, given: Any) -> None:
    """What figures and captions write is text; all else that LaTeX reads as a command is escaped."""
    if MATHEMATICS in str(given):
        raise ValueError(f"{name}: {what} must have no {MATHEMATICS}, {BEGINS}; got {given!r}.")


def _problem(name: str, given: Any) -> None:
    if given is None or (callable(given) and not isinstance(given, type) and not hasattr(given, "sample")):
        return
    wrong = is_problem(given)
    if wrong is not None:
        raise ValueError(f"{name}: problem must be a problem, such as Ridge(), or a function of the point; {wrong}.")


def _algorithms(name: str, given: Any) -> None:
    if not isinstance(given, Mapping) or not given:
        raise ValueError(
            f'{name}: algorithms must map names to functions of the point: {{"SGD": lambda p: SGD(...)}}; '
            f"got {_said(given)}."
        )
    plain: dict[str, str] = {}
    for label, make in given.items():
        if not isinstance(label, str) or not label.strip() or not label.isprintable():
            raise ValueError(f"{name}: the name of an algorithm must be a text of one line; got {label!r}.")
        _plain(name, "the name of an algorithm", label)
        if not callable(make) or isinstance(make, type):
            raise ValueError(
                f"{name}: {label} must be a function of the point, such as lambda p: SGD(p.T, Constant(0.1)); "
                f"got {_said(make)}."
            )
        other = plain.setdefault("".join(label.split()).casefold(), label)
        if other != label:
            raise ValueError(f"{name}: the algorithms {other!r} and {label!r} cannot be told apart; rename one.")


def _sizes(name: str, given: Any) -> None:
    if not isinstance(given, Mapping) or not given:
        raise ValueError(f'{name}: sizes must hold at least one Size by name, "laptop" say; got {_said(given)}.')
    for label, size in given.items():
        if not hasattr(size, "grids"):
            raise ValueError(f"{name}: the size {label!r} must be a Size(grids, replicates); got {_said(size)}.")
        near = difflib.get_close_matches(str(label), USUAL, n=1, cutoff=0.7)
        if label not in USUAL and near:
            raise ValueError(f"{name}: unknown size {label!r}: did you mean {near[0]!r}?")


def _coordinates(experiment: Any) -> None:
    """Coordinates that readings name, and those of algorithms that have some of their own."""
    grids = {c for size in experiment.sizes.values() for grid in size.grids for c in grid.coordinates}
    own = {label: getattr(make, "coordinates", {}) for label, make in experiment.algorithms.items()}
    for label, coordinates in own.items():
        twice = sorted(grids & set(coordinates))
        if twice:
            raise ValueError(
                f"{experiment.name}: {label} has the coordinate {twice[0]} of its own, which a grid has too; drop one."
            )
    known = grids | {c for coordinates in own.values() for c in coordinates}
    if "kT" in known or "T" in known:
        known |= {"T", "kT"}
    for reading in experiment.readings:
        who = type(reading).__name__
        named = [getattr(reading, "coordinate", ""), getattr(reading, "along", ""), *getattr(reading, "over", ())]
        for coordinate in named:
            if coordinate and coordinate not in known:
                raise ValueError(
                    f"{experiment.name}: {who}: there is no coordinate {coordinate!r}; there are "
                    f"{', '.join(sorted(known))}."
                )


def _said(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 60 and "\n" not in text else f"a {type(given).__name__}"
