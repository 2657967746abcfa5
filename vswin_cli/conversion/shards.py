"""Models in several files: the list of the shard of each tensor, in Hugging Face's format.

{"metadata": {…}, "weight_map": {"head.bias": "model-00002-of-00002.safetensors", …}}
"""

import json
import re
from pathlib import Path

from vswin_cli.errors import CheckpointError
from vswin_cli.system.files import read_small

_MAX_LIST_BYTES = 4 << 20
_MAX_SHARDS = 1000
# As Hugging Face names shards, and as Keras does.
_SHARD = re.compile(
    r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<ending>\.\w+)$|_\d{5}\.weights\.h5$",
    re.ASCII,
)
_KERAS_LIST = ".weights.json"

ShardList = dict[str, str]  # the shard's file name, by the tensor's key


def is_shard_list(start: bytes) -> bool:
    """Whether a file begins like a list of shards: with JSON, not with a size as safetensors do."""
    return start.lstrip()[:1] == b"{" and b"\0" not in start


def read_shard_list(path: Path) -> ShardList:
    """Read which file contains which tensor; the files are in the folder of the list.

    Raises:
        CheckpointError: It is not such a list, or names files in other folders.
        OSError: It cannot be read.
    """
    try:
        listed = json.loads(read_small(path, _MAX_LIST_BYTES))["weight_map"]
        keys, names = list(listed.keys()), set(listed.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise CheckpointError("it is JSON, but not a list of a model's shards") from exc
    if not keys or len(names) > _MAX_SHARDS or not all(map(_is_file_name, names)):
        raise CheckpointError("its list names no shards, too many, or files in other folders")
    return dict(listed)


def _is_file_name(name: object) -> bool:
    return (
        isinstance(name, str) and name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}
    )


def shard_hint(path: Path) -> str:
    """Say what to do with a file that has the name of a shard."""
    if path.name.endswith(_KERAS_LIST):
        return "; its name is that of a list of Keras shards: save the model in one file"
    match = _SHARD.search(path.name)
    if match is None:
        return ""
    if match["number"] is None:
        return "; its name is that of one of several Keras shards: save the model in one file"
    whole = f"{match['stem']}{match['ending']}.index.json"
    return (
        f"; by its name it is shard {int(match['number'])} of {int(match['count'])}: give the list "
        f"of all, {whole}, with the shards in its folder"
    )
