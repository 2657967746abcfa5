"""JSON Lines: one record per line, from which a run continues."""

from vswin_cli.formats.registry import JSON_LINES

FORMAT = JSON_LINES
