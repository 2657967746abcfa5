"""The speed of computing and reading on this machine, compared with the best that it can do."""
