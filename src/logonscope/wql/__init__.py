"""WQL, WMI's query language (MS-WMI 2.2.1): text to a tree, the tree bound to classes, conditions compiled for rows.

The package uses classes and rows, and reads no machine.
"""
