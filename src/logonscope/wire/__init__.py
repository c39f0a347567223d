"""Wire formats of operations and rows: bytes to typed messages and rows to bytes, without any I/O."""
