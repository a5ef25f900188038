"""``python -m riskkit.sweep``: the main command."""

from riskkit.cli.sweep import leave, main

if __name__ == "__main__":
    leave(main())
