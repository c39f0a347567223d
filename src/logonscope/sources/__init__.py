"""Sources of facts: the only code that reads a machine. Only ``app`` imports it."""
