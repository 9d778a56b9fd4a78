"""The Review widget: go through lesions, decide, correct; each event is on disk at once."""
