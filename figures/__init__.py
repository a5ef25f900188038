"""The figures of the study, each drawn from what is stored.

A module of this package draws one figure. ``EXPERIMENT`` names the experiment that it shows, and ``draw(stored)``
returns the page (or None: there is nothing to show); with ``EXPERIMENT = None`` the figure shows every experiment in
the results folder, and ``draw`` is given all of them. One whose name begins with "_" draws no figure.
"""

ALGORITHMS = {
    "Lookahead": ("#0072b2", "o"),
    "SGD": ("#2b0a5e", "s"),
    "matched SGD": ("#d55e00", "^"),
    "SLRLA": ("#009e73", "D"),
    "SLRLA as coded": ("#56b4e9", "P"),
    "stagewise Lookahead": ("#cc79a7", "v"),
    "stagewise SGD": ("#b58900", "X"),
    "weighted SGD": ("#7a5195", "p"),
}
"""Colour (after Okabe and Ito) and marker of each algorithm, on every page."""

HEADLINES = (
    "theorem1_tuned",
    "theorem1_alpha",
    "theorem2_edge",
    "theorem2_exponents",
    "theorem1_attained",
    "theorem4_counts",
    "theorem3_exponents",
)
"""The experiments whose answers stand first in the report."""
