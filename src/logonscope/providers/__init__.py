"""Facts to instances: a file a class, each a table of what its properties are made of.

Adding a class is adding its file here and its MOF: the file is named as the class is, in snake case without ``Win32_``.
"""
