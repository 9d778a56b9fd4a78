"""Simulated lesions: shapes that experts drew, inserted into real scans with exact truth."""
