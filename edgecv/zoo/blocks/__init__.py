"""Blocks that several architectures use unchanged; the rest stays in its paper's file."""
