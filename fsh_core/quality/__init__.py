"""Quality checks of a scan: each passes, cautions or fails, with a reason."""
