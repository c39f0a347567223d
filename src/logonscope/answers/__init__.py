"""Result types of the operations for people: plain rows, made of facts and of the owners of processes."""
