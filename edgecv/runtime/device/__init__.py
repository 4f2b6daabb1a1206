"""The device path: a frame is copied to the GPU once, and kilobytes of results come back.

`staging` holds the pinned side of a frame, `program` what runs for it (a CUDA graph where it can be
captured), `lane` one stream with one execution context, `pipeline` the slots in flight, `model` the
callable a user gets. Positions on what hurts on real devices: docs/device.md.

Threading rule: a Session belongs to the process; every call here pushes its context for the time it
needs it. A lane is enqueued on by one thread at a time (it holds a lock), a slot by the thread that
took it from the pipeline.
"""
