"""How right a model is on labelled videos: annotations, matching, outcomes, metrics, report."""
