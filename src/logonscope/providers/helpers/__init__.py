"""Helpers that provider tables share: the table type, columns, names, and selections for fixed keys."""
