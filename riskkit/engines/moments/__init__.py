"""Exact moments: on quadratic losses with one Hessian, how outputs answer theta_0 and S; on squared losses, given S."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
