"""The corpus of CEL: what an expression means, the same at the door and in the stream."""
