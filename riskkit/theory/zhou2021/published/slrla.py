r"""Theorems 5 and 6 as printed: SLRLA, for strongly convex and for PL losses. (The slides' Theorem 4.)

Setting: the package's, with its letters; what a theorem asks for stands with its bounds.
Step size: ``stages``.
Published:
    Theorem 5, SLRLA, F_S lam-strongly convex (for the generalization every l(.; z)); beta <= lam/6, eta_s <= eps_s/(3
        G^2), eta_s k T_s >= 6/(lam a), eps_s = eps_0/2^s, s = 0 .. S-1, every stage passing on its average:
        optimization              eps_0/2^S, after 36 G^2/(lam a eps) gradients
        generalization, h = lam L/(lam+L)
            (2 a G^2/(n (beta + a h))) (1 - e^(-6 S L/(lam+L)))/(1 - e^(-6 L/(lam+L)))
    Theorem 6, SLRLA, mu-PL, Hessians >= -sigma:
        (i) sigma <= beta <= mu/6: as Theorem 5 with mu for lam, and beta - sigma + a mu L/(mu+L) for beta + a h
        (ii) <grad F_s(theta), theta - theta*> >= r (F_s(theta) - F_s*), eta_s <= r eps_s/(3 G^2), eta k T >= 6/(mu r a)
            (2 a G^2/(n x)) (1 - e^(-6 S x/(mu r a)))/(1 - e^(-6 x/(mu r a))), x = beta - a L > 0
Proved, ``slrla`` being the slides' module:
    Theorems 5 and 6: ``slrla.optimization`` and G ``slrla.stability``, in which the anchor and the average of a stage
        have the distances that the stage gives them.
Reading: the generalization of both is false as printed.
Source: Zhou et al., NeurIPS 2021, supplement, p. 16-23.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from riskkit.algorithms.staged import Algorithm
from riskkit.algorithms.steps import first_size
from riskkit.problem import Constants, Problem, Regime
from riskkit.theory.bound import At, Floats, Inequality
from riskkit.theory.hypotheses import Hypothesis, finite, strongly_convex_examples, within_reach
from riskkit.theory.hypotheses import polyak_lojasiewicz as satisfies_pl
from riskkit.theory.hypotheses import strongly_convex as is_strongly_convex
from riskkit.theory.zhou2021 import slrla
from riskkit.theory.zhou2021.published.setting import supplement, titled


def _eps0(at: At, r: float = 1.0) -> float:
    """The least eps_0 that the run's step sizes allow: eta_s <= r eps_0/(3 G^2 2^s), and eps_0 >= f_0."""
    etas = [first_size(stage.step, stage.T, stage.k) for stage in at.algorithm.stages]
    return max(at.f0, *(3 * at.constants.G**2 * eta * 2**s / r for s, eta in enumerate(etas)))


def _optimization5(at: At) -> Floats:
    S = np.arange(1.0, len(at.algorithm.stages) + 1)
    return slrla.at_stage_ends(_eps0(at) * 2.0**-S, at)


def _stagewise(at: At, modulus: float) -> Floats:
    """2 a G^2/(n (beta + a h)) times the geometric sum, h = m L/(m+L); sigma is taken off beta."""
    (stage, *_), c = at.algorithm.stages, at.constants
    S, a = np.arange(1.0, len(at.algorithm.stages) + 1), stage.alpha
    share = c.L / (modulus + c.L)
    series = np.expm1(-6 * S * share) / np.expm1(-6 * share)
    return 2 * a * c.G**2 / (at.n * (stage.beta - c.rho + a * modulus * share)) * series


def _generalization5(at: At) -> Floats:
    return slrla.at_stage_ends(_stagewise(at, at.constants.lam_example), at)


def _generalization6(at: At) -> Floats:
    return slrla.at_stage_ends(_stagewise(at, at.constants.mu), at)


def _generalization6_ii(at: At) -> Floats:
    (stage, *_), c, r = at.algorithm.stages, at.constants, 1.0
    S, x = np.arange(1.0, len(at.algorithm.stages) + 1), stage.beta - stage.alpha * c.L
    rate = 6 * x / (c.mu * r * stage.alpha)
    return slrla.at_stage_ends(2 * stage.alpha * c.G**2 / (at.n * x) * np.expm1(-S * rate) / np.expm1(-rate), at)


def _proved_optimization5(at: At) -> Floats:
    if slrla.optimization_excluded(at.problem, at.algorithm):
        return np.full(at.rounds.shape, math.nan)
    return slrla.at_stage_ends(slrla.optimization(at.problem, at.algorithm, at.f0), at)


def _proved_generalization5(at: At) -> Floats:
    if slrla.stability_excluded(slrla.loss_constants(at.problem, at.constants), at.algorithm):
        return np.full(at.rounds.shape, math.nan)
    return slrla.at_stage_ends(
        at.constants.G * slrla.stability(slrla.loss_constants(at.problem, at.constants), at.algorithm, at.n), at
    )


def _in_stages(
    title: str, modulus: Callable[[Constants], float], sigma: bool, r: float, *, one_beta: bool
) -> Hypothesis:
    """beta <= m/6 (its generalization bound has one for all stages), one alpha, constant steps, eta k T >=
    6/(m r alpha), stages that pass on averages."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        m, betas = modulus(problem.constants), {stage.beta for stage in algorithm.stages}
        if algorithm.anchor_every is not None:
            return f"{title} is about an anchor that moves once a stage, not every few steps."
        if len(alphas := {stage.alpha for stage in algorithm.stages}) > 1:
            said = ", ".join(f"{alpha:.4g}" for alpha in sorted(alphas))
            return f"{title} needs one alpha in all stages; got {said}."
        least = problem.constants.rho if sigma else 0.0
        if (one_beta and len(betas) > 1) or not least <= min(betas) <= max(betas) <= m / 6 * (1 + 1e-12):
            said = ", ".join(f"{beta:.4g}" for beta in sorted(betas))
            some = "one beta from" if one_beta else "beta from"
            return f"{title} needs {some} {least:.4g} to m/6 = {m / 6:.4g} in all stages; got {said}."
        for q, stage in enumerate(algorithm.stages, start=1):
            sizes = np.asarray(stage.step.sizes(stage.T, stage.k))
            if sizes.min() != sizes.max():
                return f"{title} is about steps that are constant in a stage; those of stage {q} are not."
            if stage.output != "average":
                return f"{title} is about stages that end in their average; stage {q} ends in the last iterate."
            if sizes.sum() < 6 / (m * r * stage.alpha) * (1 - 1e-9):
                return (
                    f"{title} needs eta kT >= 6/(m alpha) = {6 / (m * r * stage.alpha):.4g} in every stage; "
                    f"got {sizes.sum():.4g} in stage {q}."
                )
        return None

    return ask


def _exceeds(title: str) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        beta, limit = algorithm.stages[0].beta, algorithm.stages[0].alpha * problem.constants.L
        return None if beta > limit else f"{title} says something where beta > alpha L = {limit:.4g}; got {beta:.4g}."

    return ask


def _pointwise(title: str) -> Hypothesis:
    """Convexity gives r = 1."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if problem.constants.rho == 0:
            return None
        return f"{title} needs <grad F_s, theta - theta*> >= r (F_s - F_s*), known here where F_S is convex."

    return ask


_T5, _S5 = titled("theorem5")

_T6, _S6 = titled("theorem6")


def _convex_losses(title: str) -> Hypothesis:
    """Its sigma is of every l(.; z): two runs take a step on one of them. A problem states rho of F_S alone."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if problem.regime in (Regime.CONVEX, Regime.STRONGLY_CONVEX):
            return None
        return (
            f"{title}'s generalization bound needs Hessians >= -sigma of every l(.; z), known here where they are "
            f"convex; {problem.name} is {problem.regime}."
        )

    return ask


_RUN5 = (
    _S5,
    is_strongly_convex(_T5),
    finite(_T5, "G", "L"),
    within_reach(_T5),
    _in_stages(_T5, lambda constants: constants.lam, False, 1.0, one_beta=False),
)

_STABLE5 = (
    _S5,
    is_strongly_convex(_T5),
    strongly_convex_examples(_T5),
    finite(_T5, "G", "L"),
    within_reach(_T5),
    _in_stages(_T5, lambda constants: constants.lam_example, False, 1.0, one_beta=True),
)

_BOTH6 = (_S6, satisfies_pl(_T6), finite(_T6, "G", "L"), within_reach(_T6))

_RUN6 = (*_BOTH6, _in_stages(_T6, lambda constants: constants.mu, True, 1.0, one_beta=False))

_STABLE6 = (
    *_BOTH6,
    _convex_losses(_T6),
    _in_stages(_T6, lambda constants: constants.mu, True, 1.0, one_beta=True),
)

_ERRORS = (
    r"E_S,\;E_s = \left(\beta + \frac{1}{\alpha\eta_skT_s}\right)\frac{E_{s-1}}{\mu}"
    r" + \frac{\eta_s(G+\beta\,\mathrm{diam})^2}{2}"
)

_STAGEWISE = (
    r"\frac{2\alpha G^2}{n(\beta+\alpha\lambda L/(\lambda+L))}\frac{1-e^{-6SL/(\lambda+L)}}{1-e^{-6L/(\lambda+L)}}"
)

OPTIMIZATION_5 = Inequality(
    name="paper.theorem5.optimization.average",
    title=_T5,
    quantity="optimization",
    output="average",
    source=supplement("p. 16-17"),
    hypotheses=_RUN5,
    published=_optimization5,
    proved=_proved_optimization5,
    statement=_ERRORS.replace(r"\mu", r"\lambda"),
    published_statement=r"\epsilon_0 2^{-S}",
    scope="at its stages' ends",
)

GENERALIZATION_5 = Inequality(
    name="paper.theorem5.generalization.average",
    title=_T5,
    quantity="generalization",
    output="average",
    source=supplement("p. 17-19, equation 11"),
    hypotheses=_STABLE5,
    published=_generalization5,
    proved=_proved_generalization5,
    statement=r"G\,\delta_S",
    published_statement=_STAGEWISE,
    scope="at its stages' ends",
)

OPTIMIZATION_6 = Inequality(
    name="paper.theorem6.optimization.average",
    title=_T6,
    quantity="optimization",
    output="average",
    source=supplement("p. 19-21"),
    hypotheses=_RUN6,
    published=_optimization5,
    proved=_proved_optimization5,
    statement=_ERRORS,
    published_statement=r"\epsilon_0 2^{-S}",
    scope="at its stages' ends",
)

GENERALIZATION_6 = Inequality(
    name="paper.theorem6.generalization.average",
    title=_T6,
    quantity="generalization",
    output="average",
    source=supplement("p. 19-22"),
    hypotheses=_STABLE6,
    published=_generalization6,
    proved=_proved_generalization5,
    statement=r"G\,\delta_S",
    published_statement=_STAGEWISE.replace(r"\lambda", r"\mu").replace(r"\beta", r"\beta-\sigma"),
    scope="at its stages' ends",
)

GENERALIZATION_6_II = Inequality(
    name="paper.theorem6.generalization.average.ii",
    title=f"{_T6}, second case",
    quantity="generalization",
    output="average",
    source=supplement("p. 20-23, equation 13"),
    hypotheses=(*_STABLE6, _pointwise(_T6), _exceeds(_T6)),
    published=_generalization6_ii,
    proved=_proved_generalization5,
    statement=r"G\,\delta_S",
    published_statement=(
        r"\frac{2\alpha G^2}{nx}\frac{1-e^{-6Sx/(\mu\rho\alpha)}}{1-e^{-6x/(\mu\rho\alpha)}},\;x=\beta-\alpha L"
    ),
    scope="at its stages' ends",
)
