"""Conformance tests: is a problem, method, schedule, bound or torch optimizer what it says it is?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
