"""`python -m reconciler`: the same as the command `reconciler`."""

from reconciler.cli.main import entry_point

if __name__ == "__main__":
    entry_point()
