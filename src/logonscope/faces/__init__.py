"""What people look at; every face gets its answers only through ``client``."""
