"""What can be asked of a run into a folder of shards."""

from dataclasses import dataclass

from vswin_cli.errors import UsageError


@dataclass(frozen=True)
class ShardOptions:
    """How a run is cut, and where it computes.

    Attributes:
        cluster: Ray's: `local` is a cluster of this machine alone, `auto` the one of the
            environment, else what `ray.init` takes; None computes in this process.
        shard_size: Videos per shard, at most; None is what an earlier run took, else 512.
        cpus_per_worker: Processors of each worker of a cluster; None is all of a machine, shared by
            its GPUs.
        cpus_per_decoder: Processors per decoding process of a worker; None is two.
        gpus_per_worker: GPUs of each worker; None is one, where a machine has any.
    """

    cluster: str | None = None
    shard_size: int | None = None
    cpus_per_worker: int | None = None
    cpus_per_decoder: int | None = None
    gpus_per_worker: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, int | float) and not value > 0:
                raise UsageError(f"{name} {value} is not more than 0")
        given = [name for name, value in vars(self).items() if value is not None]
        cluster_only = [name for name in given if name.endswith(("_worker", "_decoder"))]
        if self.cluster is None and cluster_only:
            option = f"--{cluster_only[0].replace('_', '-')}"
            raise UsageError(f"{option} is for workers of a cluster; give --cluster too")
