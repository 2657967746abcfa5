"""The content of a bug report: the machine, the installation, what works, and a video file."""
