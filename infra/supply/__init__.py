"""What the product is made of: licences and known weaknesses of every locked library."""
