"""Authentication: what a request and its connection prove becomes a Caller. A request without proof is rejected."""
