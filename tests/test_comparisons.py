"""Which cells are compared: looked up, as each of many meets few, and the same as if every pair were looked at."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from riskkit.experiment.point import Point
from riskkit.verdicts.comparisons import _Met

COORDINATES = ("n", "alpha", "beta", "gradients")


def parts(seed: int, number: int) -> list[tuple[SimpleNamespace, ...]]:
    """Of two problems; each point has some of the coordinates, of two values each."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        names = ["n", *(name for name in COORDINATES[1:] if rng.random() < 0.7)]
        point = Point({name: float(rng.integers(2)) for name in names})
        run = SimpleNamespace(n=point["n"], company=int(rng.integers(2)))
        found.append((SimpleNamespace(point=point, run=run),))
    return found


@pytest.mark.parametrize("uncounted", [(), ("gradients",)], ids=["cells", "lines"])
def test_parts_meet_where_all_that_both_points_have_agrees(uncounted):
    ours, theirs = parts(0, 40), parts(1, 60)
    met = _Met(theirs, uncounted)
    pairs = [(a, b) for a in ours for b in met.by(a)]

    def agree(a, b) -> bool:
        (mine,), (other,) = a, b
        shared = {*mine.point, *other.point} - set(uncounted)
        return mine.run.company == other.run.company and all(
            mine.point[name] == other.point[name] for name in shared if name in mine.point and name in other.point
        )

    expected = [(a, b) for a, b in itertools.product(ours, theirs) if agree(a, b)]
    assert len(expected) > 100
    assert [(id(a), id(b)) for a, b in pairs] == [(id(a), id(b)) for a, b in expected]


def test_a_part_is_held_against_those_that_it_meets_and_no_others(monkeypatch):
    """5,000 of one sample size, each of which meets one: there are 25 million pairs."""
    run = SimpleNamespace(n=10, company=0)
    every = [(SimpleNamespace(point=Point({"alpha": float(i)}), run=run),) for i in range(5_000)]
    met = _Met(every, ())
    asked = []
    at = Point.at
    monkeypatch.setattr(Point, "at", lambda self, names: asked.append(1) or at(self, names))
    assert all(met.by(part) == [part] for part in every)
    assert len(asked) == 2 * len(every)
