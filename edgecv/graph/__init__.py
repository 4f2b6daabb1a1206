"""The ONNX room: reading, adopting, simplifying and looking into graphs."""
