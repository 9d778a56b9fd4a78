"""The Segment widget: choose a scan, run the network, move the threshold, save."""
