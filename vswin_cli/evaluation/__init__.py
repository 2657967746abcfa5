"""The accuracy of a model on labelled videos: annotations, matching, outcomes, metrics, report."""
