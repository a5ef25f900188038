"""The study's problems: every population risk exact, every optimum certified, every constant derived."""

from problems.anisotropic_mean import AnisotropicMean
from problems.erf_committee import ErfCommittee
from problems.linear_on_ball import LinearOnBall
from problems.logistic import Logistic
from problems.logistic_ridge import LogisticRidge
from problems.mean_estimation import MeanEstimation
from problems.monotone_link import MonotoneLink
from problems.power_law_least_squares import PowerLawLeastSquares
from problems.pseudo_huber_location import PseudoHuberLocation
from problems.pseudo_huber_regression import PseudoHuberRegression
from problems.ridge import Ridge
from problems.sine_perturbed_quadratic import SinePerturbedQuadratic
from problems.warped_mean import WarpedMean

__all__ = [
    "AnisotropicMean",
    "ErfCommittee",
    "LinearOnBall",
    "Logistic",
    "LogisticRidge",
    "MeanEstimation",
    "MonotoneLink",
    "PowerLawLeastSquares",
    "PseudoHuberLocation",
    "PseudoHuberRegression",
    "Ridge",
    "SinePerturbedQuadratic",
    "WarpedMean",
]
