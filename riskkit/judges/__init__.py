"""Judges of arrays: what replicates say of a bound, a rate, an exponent, a known value, in one word and a sentence."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
