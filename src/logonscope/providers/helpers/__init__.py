"""Parts that provider tables share: the table type itself, columns, names, and what fixed keys mean."""
