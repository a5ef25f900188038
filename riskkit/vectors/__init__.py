"""Vectors of numbers inside numba code: lanes in a register, their memory, arithmetic and elementary functions.

``__all__`` lists what is public. Nothing is imported on first use here: operators and ``math`` functions of lanes are
numba's from the moment their modules are imported.
"""

from pathlib import Path

from riskkit.vectors import functions  # noqa: F401
from riskkit.vectors.arithmetic import above, across, beyond, choose, fma, larger, smaller, with_sign
from riskkit.vectors.lanes import LINE, Lanes, count, fragment, inlined, lanes_of, overload
from riskkit.vectors.memory import (
    add_double,
    gather,
    get_lane,
    load,
    load_four,
    peek,
    prefetch,
    put,
    set_lane,
    spread,
    spread_at,
    store,
    store_pairs,
    transpose,
    uniform,
)
from riskkit.vectors.vectorize import lanewise, on_lanes

__all__ = [
    "LINE",
    "Lanes",
    "above",
    "across",
    "add_double",
    "beyond",
    "choose",
    "count",
    "fma",
    "fragment",
    "gather",
    "get_lane",
    "inlined",
    "lanes_of",
    "lanewise",
    "larger",
    "load",
    "load_four",
    "on_lanes",
    "overload",
    "peek",
    "prefetch",
    "put",
    "set_lane",
    "smaller",
    "sources",
    "spread",
    "spread_at",
    "store",
    "store_pairs",
    "transpose",
    "uniform",
    "with_sign",
]


def sources() -> list[Path]:
    """The files of this package: whoever keeps code compiled with it on disk must find it by what they say."""
    return sorted(Path(__file__).parent.glob("*.py"))
