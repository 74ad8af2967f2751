"""Pictures of what a search finds: the cells, and alpha over time."""
