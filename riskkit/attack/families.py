"""The problems that a search may take: laws on one to three atoms for every kind of loss, and shipped problems.

Scales that change no ratio are fixed: the radius of Theta or the distance of the start, and one curvature.
"""

from __future__ import annotations

import importlib
import math
from typing import Any

from riskkit.attack.arms import Chosen, Family
from riskkit.attack.exact import SEQUENCES
from riskkit.attack.parameters import Parameter, Range
from riskkit.problem import Problem

LONG = 2**12
"""Gradients of a run whose moments are known."""
ONE, TWO = 256, int(math.log2(SEQUENCES))
"""Gradients of a run that is enumerated, on one atom and on two."""

P = Range("p", 0.02, 0.98)
ANGLE = Range("angle", 0.0, math.pi)
LENGTH = Range("length", 0.0, 1.0)
START = Range("start", -1.0, 1.0)
LAM = Range("lam", 1e-3, 1.0, log=True)
WIDTH = Range("width", 1e-3, 10.0, log=True)


def _shipped(name: str, *arguments: Any, **fields: Any) -> Problem:
    """A problem of ``riskkit.problems``, which stands on the instrument."""
    made: Problem = getattr(importlib.import_module("riskkit.problems"), name)(*arguments, **fields)
    return made


def _linear_one(c: Chosen) -> Problem:
    return _shipped("LinearAtoms", ((1.0,),), (1.0,), 1.0, (c["start"],))


def _linear_two(c: Chosen) -> Problem:
    return _shipped("LinearAtoms", ((1.0,), (-c["length"],)), (c["p"], 1 - c["p"]), 1.0, (c["start"],))


def _linear_plane(c: Chosen) -> Problem:
    other = (c["length"] * math.cos(c["angle"]), c["length"] * math.sin(c["angle"]))
    return _shipped("LinearAtoms", ((1.0, 0.0), other), (c["p"], 1 - c["p"]), 1.0)


def _quadratic_one(c: Chosen) -> Problem:
    return _shipped("QuadraticAtoms", ((0.0,),), (1.0,), (1.0,), (1.0,))


def _quadratic_two(c: Chosen) -> Problem:
    return _shipped("QuadraticAtoms", ((1.0,), (-c["length"],)), (c["p"], 1 - c["p"]), (1.0,), (c["start"],))


def _quadratic_ball(c: Chosen) -> Problem:
    atoms = ((1.0,), (-c["length"],))
    return _shipped("QuadraticAtoms", atoms, (c["p"], 1 - c["p"]), (1.0,), (0.0,), c["radius"])


def _quadratic_plane(c: Chosen) -> Problem:
    """Two curvatures, an atom anywhere on the unit circle and its opposite, shortened."""
    x, y = math.cos(c["angle"]), math.sin(c["angle"])
    atoms = ((x, y), (-c["length"] * x, -c["length"] * y))
    return _shipped("QuadraticAtoms", atoms, (c["p"], 1 - c["p"]), (1.0, c["lam"]), (c["start"], c["start 2"]))


def _quadratic_plane_one(c: Chosen) -> Problem:
    start = (math.cos(c["angle"]), math.sin(c["angle"]))
    return _shipped("QuadraticAtoms", ((0.0, 0.0),), (1.0,), (1.0, c["lam"]), start)


BEND: tuple[Parameter, ...] = (
    P,
    Range("pull 1", -1.0, 1.0),
    Range("pull 2", -1.0, 1.0),
    Range("knot 1", -1.0, 1.0),
    Range("knot 2", -1.0, 1.0),
    Range("bend 1", 0.0, 1.0),
    Range("bend 2", 0.0, 1.0),
    START,
)
ONE_BEND: tuple[Parameter, ...] = (Range("pull 1", -1.0, 1.0), Range("knot 1", -1.0, 1.0), START)


def _kinked(c: Chosen) -> Problem:
    one = (c["pull 1"], c["knot 1"], c.get("bend 1", 1.0))
    lam, width = c.get("lam", 0.0), c.get("width", 0.0)
    if "p" not in c:
        return _shipped("KinkedAtoms", (one,), (1.0,), width, lam, 1.0, c["start"])
    other = (c["pull 2"], c["knot 2"], c["bend 2"])
    return _shipped("KinkedAtoms", (one, other), (c["p"], 1 - c["p"]), width, lam, 1.0, c["start"])


def _warped_one(c: Chosen) -> Problem:
    return _shipped("WarpedAtoms", ((c["value"],),), (1.0,), c["initial"])


def _warped_two(c: Chosen) -> Problem:
    atoms = ((c["value"] + c["apart"],), (c["value"] - c["apart"],))
    return _shipped("WarpedAtoms", atoms, (c["p"], 1 - c["p"]), c["initial"])


def _sphere(c: Chosen) -> Problem:
    return _shipped("MeanEstimation", c["dim"], 1.0, c["distance"])


def _curved_sphere(c: Chosen) -> Problem:
    return _shipped("AnisotropicMean", (1.0, c["lam"]), c["distance"])


_VALUE, _APART, _INITIAL = Range("value", -2.0, 2.0), Range("apart", 1e-3, 1.0, log=True), Range("initial", -2.0, 2.0)

FAMILIES: tuple[Family, ...] = (
    Family("linear losses, one atom", (START,), _linear_one, ONE),
    Family("linear losses, two atoms", (LENGTH, P, START), _linear_two, LONG),
    Family("linear losses, two atoms in the plane", (LENGTH, ANGLE, P), _linear_plane, LONG),
    Family("a quadratic loss", (), _quadratic_one, LONG),
    Family("quadratic losses, two atoms", (LENGTH, P, START), _quadratic_two, LONG),
    Family(
        "quadratic losses on a ball, two atoms",
        (LENGTH, P, Range("radius", 1e-3, 2.0, log=True)),
        _quadratic_ball,
        LONG,
    ),
    Family("a quadratic loss with two curvatures", (LAM, ANGLE), _quadratic_plane_one, LONG),
    Family(
        "quadratic losses with two curvatures, two atoms",
        (LAM, LENGTH, ANGLE, P, START, Range("start 2", -1.0, 1.0)),
        _quadratic_plane,
        LONG,
    ),
    Family("a smooth convex loss", (*ONE_BEND, WIDTH), _kinked, ONE),
    Family("smooth convex losses, two atoms", (*BEND, WIDTH), _kinked, TWO),
    Family("a smooth strongly convex loss", (*ONE_BEND, WIDTH, LAM), _kinked, ONE),
    Family("smooth strongly convex losses, two atoms", (*BEND, WIDTH, LAM), _kinked, TWO),
    Family("a convex loss with a kink", ONE_BEND, _kinked, ONE),
    Family("convex losses with a kink, two atoms", BEND, _kinked, TWO),
    Family("a strongly convex loss with a kink", (*ONE_BEND, LAM), _kinked, ONE),
    Family("strongly convex losses with a kink, two atoms", (*BEND, LAM), _kinked, TWO),
    Family("a warped quadratic loss", (_VALUE, _INITIAL), _warped_one, ONE),
    Family("warped quadratic losses, two atoms", (_VALUE, _APART, P, _INITIAL), _warped_two, TWO),
    Family(
        "mean estimation on a sphere",
        (Range("dim", 1, 8, whole=True), Range("distance", 0.0, 1.0)),
        _sphere,
        LONG,
    ),
    Family("mean estimation with two curvatures", (LAM, Range("distance", 0.0, 1.4)), _curved_sphere, LONG),
)
