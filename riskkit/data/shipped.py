"""Real data that come with riskkit, as populations. Sources, licences and changes are in ``arrays/README.md``."""

from __future__ import annotations

import functools
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
