"""The Segment widget: choose a scan, run the network beside the window, move the threshold, save."""
