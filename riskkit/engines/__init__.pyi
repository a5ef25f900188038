from .choice import Choice as Choice
from .choice import choose as choose
