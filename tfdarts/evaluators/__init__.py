"""What a genotype is worth, and what it cost to know."""
