from .responses import Responses as Responses
from .responses import quadratic as quadratic
from .responses import refusal as refusal
from .responses import responses as responses
