"""Label videos from the command line with Video Swin Transformers."""

__version__ = "0.1.0"
