"""Addressed random numbers: Philox words of (seed, purpose, replicate, counter), for numpy, torch, numba and Triton."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
