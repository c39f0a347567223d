"""Providers: one file for each class, with a table that says how the properties of the class are made from facts.

docs/adding-a-class.md describes how to add a class. The file of a class has the name of the class in snake case,
without ``Win32_`` and without underscores at both ends (``module_name`` in ``helpers/registry.py``).
"""
