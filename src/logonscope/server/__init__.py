"""Who asks from elsewhere, and in which protocol? Sockets, TLS, tokens and one table of doors a protocol."""
