"""The shipped problems: every population risk exact, every optimum certified, every constant derived.

Their name is ``riskkit.problems``. In a checkout ``problems`` is another name of the same modules, so that a class
imported under either is one class; a copy of this folder elsewhere is a package of its own. A problem's module is
imported when the problem is first asked for: some take a tenth of a second for what scipy has to load.
"""

import re
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

if __name__ == "problems":
    _canonical = import_module("riskkit.problems")
    if Path(_canonical.__path__[0]).resolve() == Path(__path__[0]).resolve():
        for _name in (entry.name for entry in iter_modules(__path__)):
            sys.modules[f"problems.{_name}"] = import_module(f"riskkit.problems.{_name}")
        sys.modules["problems"] = _canonical

if TYPE_CHECKING:
    from .absolute_location import AbsoluteLocation
    from .anisotropic_mean import AnisotropicMean
    from .concave_on_ball import ConcaveOnBall
    from .erf_committee import ErfCommittee
    from .finite_population import FinitePopulation
    from .harvey_maximum import HarveyMaximum
    from .kinked_atoms import KinkedAtoms
    from .linear_atoms import LinearAtoms
    from .linear_on_ball import LinearOnBall
    from .logistic import Logistic
    from .logistic_ridge import LogisticRidge
    from .mean_estimation import MeanEstimation
    from .mean_on_ball import MeanOnBall
    from .monotone_link import MonotoneLink
    from .power_law_least_squares import PowerLawLeastSquares
    from .pseudo_huber_location import PseudoHuberLocation
    from .pseudo_huber_regression import PseudoHuberRegression
    from .quadratic_atoms import QuadraticAtoms
    from .ridge import Ridge
    from .sine_perturbed_quadratic import SinePerturbedQuadratic
    from .sparse_mean import SparseMean
    from .tilted_bowl import TiltedBowl
    from .warped_atoms import WarpedAtoms
    from .warped_mean import WarpedMean

__all__ = [
    "AbsoluteLocation",
    "AnisotropicMean",
    "ConcaveOnBall",
    "ErfCommittee",
    "FinitePopulation",
    "HarveyMaximum",
    "KinkedAtoms",
    "LinearAtoms",
    "LinearOnBall",
    "Logistic",
    "LogisticRidge",
    "MeanEstimation",
    "MeanOnBall",
    "MonotoneLink",
    "PowerLawLeastSquares",
    "PseudoHuberLocation",
    "PseudoHuberRegression",
    "QuadraticAtoms",
    "Ridge",
    "SinePerturbedQuadratic",
    "SparseMean",
    "TiltedBowl",
    "WarpedAtoms",
    "WarpedMean",
]


def __getattr__(name: str) -> Any:
    """A class of ``__all__``, from the module of its name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return globals().setdefault(name, getattr(import_module(f"{__name__}.{module}"), name))


def __dir__() -> list[str]:
    return __all__
