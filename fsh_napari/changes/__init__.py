"""The Changes widget: what changed between two visits, one change after another."""
