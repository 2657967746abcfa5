"""Text that a terminal can show."""


def counted(number: int, noun: str) -> str:
    """A number of things: `1 video`, `2 videos`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str) -> str:
    """Escape what would break a line or cannot be encoded: control characters, undecodable bytes.

    File names may hold both; Python hands the bytes over as lone surrogates.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "backslashreplace").decode("ascii")
        for character in text
    )
