"""User interfaces: the command line, which reads a host only through ``client``, and the page."""
