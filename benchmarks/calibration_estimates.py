"""How often intervals cover where means are regressed on controls; a study of ``benchmarks.calibration``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.planted import GRID, Dependence, Row, draw, squared
from riskkit.stats.controls import affordable, regressed
from riskkit.stats.jackknife import Floats
from riskkit.stats.slopes import estimate, fit_rate


def _silent(rng: np.random.Generator, R: int, C: int) -> tuple[Floats, Floats]:
    return draw(rng, squared(2), R, 1, Dependence.NONE), rng.normal(size=(R, C))


def _telling(rng: np.random.Generator, R: int, C: int) -> tuple[Floats, Floats]:
    """Controls that carry nine tenths of the variance, and are skewed."""
    x = draw(rng, squared(2), R, C, Dependence.NONE) - 1
    return 1 + (x.sum(axis=1, keepdims=True) + (draw(rng, squared(2), R, 1, Dependence.NONE) - 1) / 3 * C**0.5), x


def _scaling(rng: np.random.Generator, R: int, C: int) -> tuple[Floats, Floats]:
    """Noise that grows with the square of a control, so that the residuals are skewed and depend on it."""
    x = rng.normal(size=(R, C))
    return (x[:, :1] ** 2 - 1) * rng.exponential(size=(R, 1)) + rng.exponential(size=(R, 1)), x


Law = Callable[[np.random.Generator, int, int], tuple[Floats, Floats]]
LAWS: tuple[tuple[str, Law], ...] = (
    ("|z|^2, d = 2, controls that say nothing", _silent),
    ("|z|^2, d = 2, controls that carry 9/10 of the variance", _telling),
    ("noise that depends on the square of a control", _scaling),
)


def regressions(trials: int) -> list[Row]:
    """Coverage of the 95% interval of a mean, truth 1, and of an exponent, truth -1, regressed on as many controls as
    may be fitted, at most 5; required .93 to .965 from 128 replicates on, .91 at 64."""
    rows = []
    for R in (64, 128, 1024):
        C, least = min(5, affordable(R)), 0.91 if R == 64 else 0.93
        count = trials if R < 1024 else max(60, trials // 4)
        for number, (name, law) in enumerate(LAWS):
            rng = np.random.default_rng([40, R, number])
            hits = 0
            for _ in range(count):
                found = estimate(regressed(*law(rng, R, C)))
                hits += bool(found.low[0] <= 1 <= found.high[0])
            setting = f"{name}; {C} of them"
            rows.append(Row("mean regressed on controls, jackknife-t", setting, R, count, 0.95, hits, least, 0.965))
        rng = np.random.default_rng([41, R])
        hits = 0
        for _ in range(count):
            y = draw(rng, squared(4), R, GRID.size, Dependence.RUN)
            x = y[:, :C] + draw(rng, squared(4), R, C, Dependence.NONE) - 2
            fit = fit_rate(regressed(y, x) / GRID, GRID)
            hits += bool(fit.low <= -1 <= fit.high)
        setting = f"|z|^2, d = 4, {Dependence.RUN}; {C} controls"
        rows.append(Row("slope of regressed means, jackknife-t", setting, R, count, 0.95, hits, least, 0.965))
    return rows
