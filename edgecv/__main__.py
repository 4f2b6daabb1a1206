"""`python -m edgecv` is the `edgecv` command."""

from edgecv.cli.app import app

if __name__ == "__main__":
    app(prog_name="edgecv")
