"""Result types of the operations for people, and the filters and targets of these operations."""
