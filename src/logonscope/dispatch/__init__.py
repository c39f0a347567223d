"""What every door and the fleet's agent share: the operations, their limits, audit, and open enumerations as rows.

A door turns bytes into an Operation and an answer into bytes; the Dispatcher does what lies between. Nothing here knows
a protocol, and nothing does I/O: the caller waits in a thread of its own.
"""
