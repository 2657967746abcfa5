"""From frames to views: which frames make the clips, which crops, in which order."""
