"""What the maps share: a grid of coloured cells with a number in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_rgb

from riskkit.report import plot

LIGHT = 0.408
"""Relative luminance above which dark letters are easier to read than white ones."""


def draw(
    panel: plot.Panel,
    values: npt.NDArray[np.float64],
    words: npt.NDArray[Any],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    colours: Any,
    norm: Any,
    gap: float,
) -> None:
    """Values (R, C) as colours, the first row at the top, with words (R, C) in the cells; ``gap``: between cells, in
    points. A value that is not finite leaves its cell empty."""
    axes, (height, width) = panel.axes, values.shape
    axes.spines[:].set_visible(False)
    with plot.house_style():
        axes.pcolormesh(np.ma.masked_invalid(values), cmap=colours, norm=norm, edgecolors="white", linewidth=gap)
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_xticks(np.arange(width) + 0.5, columns)
        axes.set_yticks(np.arange(height) + 0.5, rows)
        axes.tick_params(length=0)
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                dark = luminance(colours(norm(value))) > LIGHT
                style: dict[str, Any] = {
                    "color": ".15" if dark else "white",
                    "ha": "center",
                    "va": "center",
                    "fontsize": plot.SMALL,
                }
                axes.text(j + 0.5, i + 0.5, str(words[i, j]), **style)


def luminance(colour: Any) -> float:
    """WCAG's, between 0 (black) and 1 (white)."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
