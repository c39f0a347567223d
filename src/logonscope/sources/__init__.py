"""Where facts come from: the only code that reads a machine. Only ``app`` imports it."""
