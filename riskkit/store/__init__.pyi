from .shards import Store as Store
from .shards import StoreError as StoreError
from .shards import load as load
from .shards import load_replicates as load_replicates
