"""What public_path is made of: the generator, the stores, the servers that are compared."""
