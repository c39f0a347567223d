"""Authentication: determines the Caller of a request from the request's credentials or from its connection."""
