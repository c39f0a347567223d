"""Providers: one file for each class, with a table that says how its properties are made from facts.

docs/adding-a-class.md describes how to add a class. The name of its file here is that of the class in snake case,
without ``Win32_`` and without underscores at its ends (``module_name`` in ``helpers/registry.py``).
"""
