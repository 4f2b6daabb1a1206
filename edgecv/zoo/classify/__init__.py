"""Networks whose one output is `logits`."""
