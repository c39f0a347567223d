"""Formats of other tools: logon sessions, processes and events, with the names that readers of these formats expect.

``session_leader`` of the Elastic Common Schema and of OpenTelemetry is the leader of a POSIX session (getsid(2)), not
of a logon session: no format here writes it. ECS, OCSF and OpenTelemetry leave out values that are not known, where
the format permits it; Sysmon has "-", and Parquet null.
"""
