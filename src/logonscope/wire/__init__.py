"""How do operations and rows look on a wire? Bytes to typed messages and rows to bytes, without any I/O."""
