"""JSON: one list of records."""

from vswin_cli.formats.registry import Format

FORMAT = Format("json", "vswin_cli.formats.json_writer:JsonWriter", ".json")
