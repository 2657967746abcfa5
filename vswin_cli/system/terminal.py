"""Text that a terminal can show."""


def counted(number: int, noun: str) -> str:
    """Format a count with its noun: `1 video`, `2 videos`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def clock(seconds: float) -> str:
    """Format a time: `1:02.3`, with hours only if needed: `3:00:45.9`."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest // 10:02}.{rest % 10}"
    return f"{hours}:{minutes:02}:{tail}" if hours else f"{minutes}:{tail}"


def length(seconds: float) -> str:
    """Format a length of time: `12.3 s`, and from a minute on as a clock."""
    return f"{seconds:.1f} s" if seconds < 59.95 else clock(seconds)


def printable(text: str) -> str:
    """Escape control characters and undecodable bytes, which would break a line.

    File names may contain both; Python represents the bytes as lone surrogates.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "backslashreplace").decode("ascii")
        for character in text
    )
