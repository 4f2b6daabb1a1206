"""Smaller networks: filters pruned away, 2:4 sparsity, Deep Compression, and what each costs.

Runs several stages (train, export, build, evaluate, bench) for the network before and after.
"""
