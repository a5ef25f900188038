"""The worst case of a bound: a search of the instances that its hypotheses allow for the largest measured / bound."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
