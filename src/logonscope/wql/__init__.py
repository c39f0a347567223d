"""WQL, WMI's query language (MS-WMI 2.2.1, the reference of WMI): text to a tree, the tree bound to classes, a plan.

It knows classes and rows, and no machine.
"""
