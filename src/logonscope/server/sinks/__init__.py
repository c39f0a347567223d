"""Sinks: where the server sends the events of its host, for a SIEM: files, syslog, OpenTelemetry, webhooks."""
