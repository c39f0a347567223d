"""Providers: one file for each class, with a table that says how its properties are made from facts.

To add a class, add its file here and its MOF. The file has the name of the class, in snake case, without ``Win32_``.
"""
