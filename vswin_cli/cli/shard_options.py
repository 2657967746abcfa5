"""The options for runs into folders of shards."""

from typing import Annotated, Any

from vswin_cli.cli.options import CLUSTER, OUTPUT, option

ShardableOutputOption = Annotated[
    str,
    option(
        OUTPUT, "--output", "-o", metavar="FILE",
        help="File to write, and to continue from; its extension sets the format. - is standard "
        "output. DIR/ or an address is a folder of shards.",
    ),
]  # fmt: skip

SHARDS: dict[str, Any] = {
    "cluster": Annotated[
        str | None,
        option(
            CLUSTER, "--cluster", metavar="ADDRESS",
            help="Ray cluster to compute on, into a folder of shards: an address, local (this "
            "machine) or auto (the cluster of the environment).",
        ),
    ],
    "shard_size": Annotated[
        int | None,
        option(
            CLUSTER, "--shard-size", min=1, metavar="N",
            help="Videos per shard, at most. Default: 512.",
        ),
    ],
    "cpus_per_worker": Annotated[
        int | None,
        option(
            CLUSTER, "--cpus-per-worker", min=1, metavar="N",
            help="CPUs per worker. Default: all of a machine, divided by its GPUs.",
        ),
    ],
    "cpus_per_decoder": Annotated[
        int | None,
        option(
            CLUSTER, "--cpus-per-decoder", min=1, metavar="N",
            help="CPUs per decoding process. Default: 2.",
        ),
    ],
    "gpus": Annotated[
        float | None,
        option(
            CLUSTER, "--gpus", min=0.01, metavar="N",
            help="GPUs per worker. Default: 1, on machines with a GPU.",
        ),
    ],
}  # fmt: skip
