"""What the programs of the Python clients share; imports nothing but the standard library."""
