"""The command line: wiring and exit codes, no arithmetic."""
