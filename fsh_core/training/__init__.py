"""Learning a network from a folder of scans."""
