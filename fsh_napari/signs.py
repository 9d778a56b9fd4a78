"""Signs of decisions: a status is told by sign and text, never by colour alone."""

SIGNS = {"unreviewed": "○", "accepted": "✓", "rejected": "✗", "unsure": "?"}
