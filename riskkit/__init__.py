"""riskkit: tests theorems on excess risk by simulation, on problems whose risks and minimizers are known exactly.

``__init__.pyi`` lists what is public. A name is imported on first use: ``import riskkit`` loads neither torch nor
matplotlib.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
