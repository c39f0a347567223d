"""Figures of the live source on this machine, and what it gets wrong beside storms of processes."""
