"""CUDA: contexts, memory, streams. The only room that imports pycuda, and only when asked.

Not run on a GPU yet: tested against fakes that expose only what the bindings have.
"""
