"""What the programs of one language share, by language."""
