"""The version, in a file of its own so that no room has to import the root package."""

__version__ = "0.1.0"
