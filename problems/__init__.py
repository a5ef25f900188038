"""The study's problems: every population risk exact, every optimum certified, every constant derived."""

from problems.anisotropic_mean import AnisotropicMean
from problems.linear_on_ball import LinearOnBall
from problems.logistic import Logistic
from problems.logistic_ridge import LogisticRidge
from problems.mean_estimation import MeanEstimation
from problems.ridge import Ridge

__all__ = ["AnisotropicMean", "LinearOnBall", "Logistic", "LogisticRidge", "MeanEstimation", "Ridge"]
