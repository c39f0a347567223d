"""Facts behind the account name of a process's user."""

USER_FACTS = ("uids", "ses", "cgroup", "pid_namespaces")
"""The uid, and what shows whether it is one of this host's."""
