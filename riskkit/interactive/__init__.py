"""From Python or a notebook: an experiment answered in this process, bounds judged on a measurement."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
