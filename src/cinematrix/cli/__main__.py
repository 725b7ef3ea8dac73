"""The command line as a module: `python -m cinematrix.cli`, for launchers that start modules."""

from cinematrix.cli.main import run

run()
