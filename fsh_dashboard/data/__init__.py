"""Results on disk as tables; no page, no chart."""
