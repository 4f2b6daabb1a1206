"""Pre- and post-processing: each op is a contract, a CPU twin, and (later) a CUDA twin."""
