"""Sources of facts: the only package that reads a machine. Only ``app`` imports this package."""
