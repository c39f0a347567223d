"""WQL, WMI's query language (MS-WMI 2.2.1): parsing to a tree, binding to classes, and compiling of conditions.

The package uses classes and rows, and reads no machine.
"""
