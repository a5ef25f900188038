"""The figures of the study, each drawn from what is stored.

A module of this package draws one figure. ``EXPERIMENT`` names the experiment that it shows, and ``draw(stored)``
returns the page (or None: there is nothing to show); with ``EXPERIMENT = None`` the figure shows every experiment in
the results folder, and ``draw`` is given all of them. One whose name begins with "_" draws no figure.
"""
