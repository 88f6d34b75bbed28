"""Organizations that leave: taken out whole, deleted, and certified."""
