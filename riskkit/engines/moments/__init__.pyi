from .propagation import Responses as Responses
from .propagation import quadratic as quadratic
from .propagation import refusal as refusal
from .propagation import responses as responses
