"""Text that a terminal can show."""


def counted(number: int, noun: str) -> str:
    """Format a count with its noun: `1 video`, `2 videos`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


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
