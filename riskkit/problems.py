"""The shipped problems, where riskkit runs from a checkout: there they lie beside this package, in ``problems/``.

In a wheel the package ``riskkit/problems/`` takes the place of this file (``package-dir`` in pyproject.toml).
"""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from problems import *  # noqa: F403
else:
    _home = Path(__file__).resolve().parent.parent / "problems"
    _spec = importlib.util.spec_from_file_location(
        __name__, _home / "__init__.py", submodule_search_locations=[str(_home)]
    )
    _package = importlib.util.module_from_spec(_spec)
    sys.modules[__name__] = _package
    _spec.loader.exec_module(_package)
