from .bound import At as At
from .bound import Bound as Bound
from .bound import Condition as Condition
from .bound import Count as Count
from .bound import Inequality as Inequality
from .bound import Scale as Scale
from .bound import Source as Source
