"""Journal: the events of the live host, kept in SQLite, and the host as it was at a moment.

The journal decides nothing: it stores the owners, logins and times that the events have.
"""
