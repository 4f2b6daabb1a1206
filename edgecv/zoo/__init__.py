"""Architectures, one file per paper, found by name in `registry.py`."""
