"""The operations that all protocols (doors) share, with their limits, the audit log, enumerations and subscriptions.

A door decodes bytes to an Operation, and renders an answer to bytes; the Dispatcher runs the operation. Nothing here
knows a protocol, or reads the network. All calls block: a server calls them in worker threads.
"""
