"""From frames to views: which frames and crops, and in which order."""
