from .content import Results as Results
from .table import Column as Column
from .table import Table as Table
from .writing import write_tables as write_tables
