"""What is compared: looked up, as each of many meets few, and the same as if every pair were looked at."""

from __future__ import annotations

import itertools

import numpy as np

from riskkit.verdicts.comparisons import Meeting

COORDINATES = ("n", "alpha", "beta", "gradients")


def items(seed: int, number: int) -> list[tuple[int, dict[str, float], int]]:
    """Of two groups; each has some of the coordinates, of two values each."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(number):
        names = [name for name in COORDINATES if rng.random() < 0.7]
        found.append((int(rng.integers(2)), {name: float(rng.integers(2)) for name in names}, i))
    return found


def test_items_meet_where_all_that_both_have_agrees():
    ours, theirs = items(0, 40), items(1, 60)
    met = Meeting(theirs)
    pairs = [(a, b) for group, where, a in ours for b in met.by(group, where)]
    expected = [
        (a, b)
        for (group, where, a), (other, there, b) in itertools.product(ours, theirs)
        if group == other and all(there.get(name, value) == value for name, value in where.items())
    ]
    assert len(expected) > 100
    assert pairs == expected


class Counted(dict):
    """Coordinates that count how often they are asked for."""

    asked = 0

    def __getitem__(self, name):
        Counted.asked += 1
        return super().__getitem__(name)


def test_an_item_is_held_against_those_that_it_meets_and_no_others():
    """5,000 of one group, each of which meets one: there are 25 million pairs."""
    every = [("all", Counted(alpha=float(i)), i) for i in range(5_000)]
    met = Meeting(every)
    assert all(met.by(group, where) == [i] for group, where, i in every)
    assert Counted.asked == 2 * len(every)
