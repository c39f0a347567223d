"""Journal: the stream of events of the live host, kept in SQLite, and the host as it was at a moment.

The journal decides nothing: owners, logins and times are those of the events.
"""
