"""Methods that train shared weights path by path."""
