"""Heads as code on the device: `<kind>.py` holds `Decoder` and `SOURCES`."""
