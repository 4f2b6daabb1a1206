"""Measurements against a peer in the same run; results/ holds what was seen, and where."""
