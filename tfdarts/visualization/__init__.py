"""Pictures of cells, searches, trainings and tests."""
