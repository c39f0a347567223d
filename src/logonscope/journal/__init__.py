"""Journal: the events of the live host, kept in SQLite, and the host as it was at a moment.

The journal has no rules of its own for owners: it stores the owners that an Ownership determines.
"""
