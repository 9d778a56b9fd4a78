"""Lesions: from a probability to components, and one row of measures for each."""
