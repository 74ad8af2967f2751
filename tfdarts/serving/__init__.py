"""From a trained network to a server: the SavedModel and its signatures."""
