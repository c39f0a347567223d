"""The server: listening sockets, TLS, authentication, and the protocols (doors) over HTTP."""
