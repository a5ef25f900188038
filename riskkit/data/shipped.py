"""Real data that come with riskkit, as populations. Sources, licences and changes are in ``arrays/README.md``."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Literal

import numpy as np

from riskkit.data.population import Population

ARRAYS = Path(__file__).parent / "arrays"


def _stored(name: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(ARRAYS / f"{name}.npz", allow_pickle=False) as file:
        return file["features"].astype(np.float64), file["targets"]


@functools.cache
def digits(side: Literal[4, 8] = 8) -> Population:
    """Handwritten digits: N = 1,797 images, all distinct, of 10 classes; 8 x 8 pixels in [0, 1].

    Args:
        side: 8, or 4 for the means of 2 x 2 pixels (p = 16), where a problem in 10 p parameters is to be small.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998
    (its test part), https://doi.org/10.24432/C50P49. Licence: CC BY 4.0.
    """
    if side not in (4, 8):
        raise ValueError(f"digits: side must be 8 or 4; got {side!r}.")
    images, targets = _stored("digits")
    if side == 4:
        images = images.reshape(-1, 4, 2, 4, 2).mean((2, 4)).reshape(-1, 16)
    return Population(images / 16, targets, name="digits" if side == 8 else "digits 4 x 4")


@functools.cache
def breast_cancer() -> Population:
    """Cell nuclei of breast masses: N = 569 rows of 30 measurements; class 1 is malignant (212), 0 benign (357).

    Source: W. Wolberg, O. Mangasarian, N. Street, W. Street, Breast Cancer Wisconsin (Diagnostic), UCI Machine Learning
    Repository, 1993, https://doi.org/10.24432/C5DW2B. Licence: CC BY 4.0.
    """
    return Population(*_stored("breast_cancer"), name="breast cancer")


@functools.cache
def auto_mpg() -> Population:
    """Fuel consumption of cars, a regression: N = 392 rows; the target is miles per gallon.

    Columns: cylinders, displacement, horsepower, weight, acceleration, model year, and two indicators of the origin
    (Europe, Japan).

    Source: R. Quinlan, Auto MPG, UCI Machine Learning Repository, 1993, https://doi.org/10.24432/C5859H. Licence:
    CC BY 4.0.
    """
    return Population(*_stored("auto_mpg"), name="auto mpg")


@functools.cache
def declaration(window: int = 20) -> Population:
    """Windows of a text: N rows of ``window`` characters, the target is the one that follows; about 4,000 rows.

    Letters are small, everything else is one space. A feature is the number of a character: 0 the space, 1 to 26 the
    letters; letters that never follow a window would have no class, and there are none.

    Args:
        window: characters in a row, from 1 to 100.

    Source: the beginning of the Declaration of Independence of the United States, 1776. Public domain.
    """
    if isinstance(window, bool) or not isinstance(window, int) or not 1 <= window <= 100:
        raise ValueError(f"declaration: window must be a whole number from 1 to 100; got {window!r}.")
    text = (ARRAYS / "declaration.txt").read_text(encoding="ascii").lower()
    codes = np.array([ord(one) - 96 if one.isalpha() else 0 for one in " ".join(re.findall("[a-z]+", text))])
    rows = np.lib.stride_tricks.sliding_window_view(codes, window + 1)
    return Population(rows[:, :-1].astype(np.float64), rows[:, -1], name=f"text, windows of {window}")
