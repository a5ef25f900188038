from .population import Drawn as Drawn
from .population import Population as Population
from .shipped import auto_mpg as auto_mpg
from .shipped import breast_cancer as breast_cancer
from .shipped import digits as digits
