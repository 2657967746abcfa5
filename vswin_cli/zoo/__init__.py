"""What can be run, as data: architectures, protocols, label sets and models."""
