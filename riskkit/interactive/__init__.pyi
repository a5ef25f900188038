from .answering import run as run
from .judging import judge as judge
from .result import Result as Result
