"""User interfaces. They read a host only through ``client``."""
