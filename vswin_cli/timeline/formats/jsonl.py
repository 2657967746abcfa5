"""JSON lines: a record a line; what a run continues from."""

from vswin_cli.formats.registry import JSON_LINES

FORMAT = JSON_LINES
