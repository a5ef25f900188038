from .grid import Experiment as Experiment
from .grid import Size as Size
from .grid import Sweep as Sweep
from .race import Race as Race
from .race import RaceSize as RaceSize
