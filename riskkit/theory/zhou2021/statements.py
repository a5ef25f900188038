"""The statements of Zhou et al. (2021) that are tested here, in the order of the slides: a fixed list.

A statement is what slides and supplement say together: the expression inside O(.) on a slide, and the bound with its
constants in the supplement, whose theorems are numbered otherwise (``published``). It is contradicted where one of the
two is. Slide theorems are "slide Theorem 1" to 4, the supplement's "Theorem 1" to 6. What the paper says of trained
networks (its Table 3) is no statement of this list.
"""

from __future__ import annotations

from riskkit.theory.statement import Bearing, Statement


def _bound(*names: str) -> tuple[Bearing, ...]:
    """A slide's claim, or a printed bound, which begins with "paper."."""
    return tuple(Bearing(name, "published" if name.startswith("paper.") else "claim") for name in names)


def _counts(experiment: str, *algorithms: str) -> tuple[Bearing, ...]:
    return tuple(Bearing("theorem4.count", "claim", experiment, algorithm) for algorithm in algorithms)


STATEMENTS = (
    Statement(
        "convex, optimization",
        "optimization error O(1/(alpha sqrt(kT))); D^2/(2 alpha eta kT) + eta G^2/2 for the average",
        "slide Theorem 1; Theorem 3, pp. 9-10",
        _bound("theorem1.optimization.*", "paper.theorem3.optimization.*"),
    ),
    Statement(
        "convex, bound on generalization, last iterate",
        "generalization error O(alpha sqrt(kT)/n); 2 alpha eta G^2 kT/n",
        "slide Theorem 1; Theorem 3, p. 11",
        _bound("theorem1.generalization.last", "theorem1.stability.last", "paper.theorem3.generalization.last"),
    ),
    Statement(
        "convex, bound on generalization, average",
        "generalization error O(alpha sqrt(kT)/n); alpha eta G^2 kT/n",
        "slide Theorem 1; Theorem 3, pp. 11-12",
        _bound(
            "theorem1.generalization.average", "theorem1.stability.average", "paper.theorem3.generalization.average"
        ),
    ),
    Statement(
        "convex, excess risk",
        "excess risk at most the sum of the two",
        "slide Theorem 1; Theorem 3, p. 12",
        _bound("theorem1.excess.*", "paper.theorem3.excess.*"),
    ),
    Statement(
        "convex, best alpha",
        "the best alpha is of order min(1, sqrt(n/(kT)))",
        "slide after Theorem 1",
        _bound("theorem1.best alpha"),
    ),
    Statement(
        "convex, Lookahead below SGD",
        "with the best alpha Lookahead has a smaller excess risk than SGD with its step",
        "slide after Theorem 1",
        _bound("theorem1.an alpha below 1"),
    ),
    Statement(
        "strongly convex, optimization",
        "optimization error O(T^(-2 alpha) + (kT)^(-min(2 alpha, 1))/(lam^2 |1 - 2 alpha|)), a logarithm at 1/2",
        "slide Theorem 2, equation 6; Theorem 1, pp. 4-6",
        _bound("theorem2.optimization.*", "paper.theorem1.*"),
    ),
    Statement(
        "strongly convex, bound on generalization",
        "generalization error O(((kT+1)^alpha - 1)/(n lam ((T+1)k+2)^alpha)); 16 G^2 times that",
        "slide Theorem 2, equation 6; Theorem 2, pp. 7-8",
        _bound("theorem2.generalization.*", "theorem2.stability.*", "paper.theorem2.*"),
    ),
    Statement(
        "strongly convex, excess risk",
        "excess risk at most the sum of the two",
        "slide Theorem 2; Corollary 1, p. 8",
        _bound("theorem2.excess.*", "paper.corollary1.*"),
    ),
    Statement(
        "strongly convex, Lookahead below SGD",
        "where equation 7 holds the best alpha is not 1, so that Lookahead has a smaller excess risk than SGD",
        "slide after Theorem 2, equation 7",
        _bound("theorem2.equation 7"),
    ),
    Statement(
        "PL, optimization",
        "optimization error O((kT+1)^(-2 alpha) + alpha (alpha + 2 (1-alpha)(k-1))/(mu^2 (kT+1)^(2 alpha - 1)))",
        "slide Theorem 3; Theorem 4, pp. 12-14",
        _bound("theorem3.optimization.*", "paper.theorem4.optimization.*"),
    ),
    Statement(
        "PL, bound on generalization",
        "generalization error O(alpha^(1/(1+gamma)) (kT)^(gamma/(1+gamma))/(n-1)), gamma = (1-1/n) alpha L/mu",
        "slide Theorem 3; Theorem 4, pp. 14-16",
        _bound("theorem3.generalization.*", "theorem3.stability.*", "paper.theorem4.generalization.*"),
    ),
    Statement(
        "PL, excess risk",
        "excess risk at most the sum of the two",
        "slide Theorem 3; Theorem 4, p. 16",
        _bound("theorem3.excess.*"),
    ),
    Statement(
        "PL, Lookahead below SGD",
        "with alpha chosen properly Lookahead can have a smaller excess risk than SGD",
        "slide after Theorem 3",
        _bound("theorem3.an alpha below 1"),
    ),
    Statement(
        "strongly convex, Lookahead's gradients",
        "gradients to reach eps: O(1/(|1-2 alpha| lam^2 eps)) for alpha > 1/2, its power 1/(2 alpha) below",
        "slide Theorem 4, first table",
        _counts("theorem4_counts", "Lookahead", "SGD"),
    ),
    Statement(
        "strongly convex, SLRLA's gradients",
        "gradients to reach eps: O(1/(lam alpha eps)); 36 G^2/(lam alpha eps)",
        "slide Theorem 4, first table; Theorem 5, pp. 16-18",
        (
            *_counts("theorem4_counts", "SLRLA", "stagewise Lookahead", "stagewise SGD"),
            *_bound("paper.theorem5.optimization.*"),
        ),
    ),
    Statement(
        "PL, Lookahead's gradients",
        "gradients to reach eps: O((1/(mu^2 eps))^(1/alpha))",
        "slide Theorem 4, first table",
        _counts("theorem4_pl", "Lookahead", "SGD"),
    ),
    Statement(
        "PL, SLRLA's gradients",
        "gradients to reach eps: O(1/(mu alpha eps)); 36 G^2/(mu alpha eps)",
        "slide Theorem 4, first table; Theorem 6, pp. 19-21",
        (
            *_counts("theorem4_pl", "SLRLA", "stagewise Lookahead", "stagewise SGD"),
            *_bound("paper.theorem6.optimization.*"),
        ),
    ),
    Statement(
        "SLRLA's gradients below Lookahead's",
        "SLRLA reaches eps with fewer gradients than Lookahead, hence a smaller optimization error at equal budgets",
        "slide after Theorem 4's first table",
        _bound("theorem4.fewer gradients"),
    ),
    Statement(
        "strongly convex, bound on Lookahead's generalization at eps",
        "generalization error O(1/(n lam)) where the optimization error is eps",
        "slide Theorem 4, second table",
        _bound("theorem4.generalization at eps, Lookahead"),
    ),
    Statement(
        "strongly convex, bound on SLRLA's generalization at eps",
        "generalization error O(1/(n (beta/alpha + lam))) where the optimization error is eps",
        "slide Theorem 4, second table; Theorem 5, pp. 18-19",
        _bound("theorem4.generalization at eps, SLRLA", "paper.theorem5.generalization.*"),
    ),
    Statement(
        "PL, bound on Lookahead's generalization at eps",
        "generalization error O((kT)^(gamma/(1+gamma))/n) where the optimization error is eps",
        "slide Theorem 4, second table",
        _bound("theorem4.generalization at eps, Lookahead, PL"),
    ),
    Statement(
        "PL, bound on SLRLA's generalization at eps",
        "generalization error O(1/(n (c/alpha + mu))) for some c >= 0",
        "slide Theorem 4, second table; Theorem 6, pp. 20-23",
        _bound("paper.theorem6.generalization.*"),
    ),
    Statement(
        "SLRLA's generalization below Lookahead's",
        "SLRLA has a smaller generalization error than Lookahead where the optimization error is eps",
        "slide after Theorem 4's second table",
        _bound("theorem4.smaller generalization"),
    ),
)
