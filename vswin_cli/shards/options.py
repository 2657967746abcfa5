"""Options of a run into a folder of shards."""

from dataclasses import dataclass

from vswin_cli.errors import UsageError

_OF_A_CLUSTER = ("cpus_per_worker", "cpus_per_decoder", "gpus")


@dataclass(frozen=True)
class ShardOptions:
    """How a run is divided into shards, and where it computes.

    Attributes:
        cluster: Ray cluster: `local` is this machine, `auto` is the cluster of the environment,
            else an address for `ray.init`; None computes in this process.
        shard_size: Videos per shard, at most; None is the value of an earlier run, or 512.
        cpus_per_worker: CPUs per worker; None is all of a machine, divided by its GPUs.
        cpus_per_decoder: CPUs per decoding process; None is 2.
        gpus: GPUs per worker; None is 1 on machines with a GPU.
    """

    cluster: str | None = None
    shard_size: int | None = None
    cpus_per_worker: int | None = None
    cpus_per_decoder: int | None = None
    gpus: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, int | float) and not value > 0:
                raise UsageError(f"{name} {value} is not greater than 0")
        given = [name for name, value in vars(self).items() if value is not None]
        cluster_only = [name for name in given if name in _OF_A_CLUSTER]
        if self.cluster is None and cluster_only:
            option = f"--{cluster_only[0].replace('_', '-')}"
            raise UsageError(f"{option} is for workers of a cluster; use --cluster too")
