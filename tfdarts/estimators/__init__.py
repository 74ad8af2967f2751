"""Estimators in scikit-learn's form: from data to a trained network."""
