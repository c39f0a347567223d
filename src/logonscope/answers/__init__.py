"""What people's questions return: plain rows, made of facts and of what ownership says about them."""
