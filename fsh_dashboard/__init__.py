"""F.sh in the browser: runs, cases and cohorts as a read-only dashboard."""
