from .bound import Bound as Bound
from .bound import Setting as Setting
