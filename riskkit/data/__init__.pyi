from .population import Drawn as Drawn
from .population import Population as Population
from .readers import from_csv as from_csv
from .readers import from_npz as from_npz
from .shipped import auto_mpg as auto_mpg
from .shipped import breast_cancer as breast_cancer
from .shipped import digits as digits
