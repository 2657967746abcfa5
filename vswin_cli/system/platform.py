"""What Linux, macOS and Windows each do in another way; nothing else asks which this is."""

import signal


def how_it_ended(exit_code: int) -> str:
    """Say in words what a process's exit code means; negative ones are signals."""
    if exit_code >= 0:
        return f"exited with code {exit_code}"
    try:
        return f"was ended by {signal.Signals(-exit_code).name}"
    except ValueError:  # one that this system has no name for
        return f"was ended by signal {-exit_code}"
