"""The command line: one verb per file, assembled in `app.py`."""
