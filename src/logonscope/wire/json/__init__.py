"""JSON of the product's own API: bytes to values and back, without I/O."""
