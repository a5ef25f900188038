"""Theorems of the field on SGD: stability, the last iterate, shuffling, nonsmooth losses; one module for each source.

A statement that is ``published`` here was read in its source. One that is ``proved`` has its proof in the module's
docstring, whatever the source says. Letters: eta_j is the step size of gradient j = 0 .. J-1, v_0 = theta_0, v_J the
last iterate, "the average" the uniform mean of v_0 .. v_{J-1}; G, L, lam, mu, M as in ``Constants``.
"""
