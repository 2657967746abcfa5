"""A Ray cluster on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

from processes import children
from waiting import wait_until

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # other tests need the processors, too
}


@contextmanager
def ray_cluster(**options: object) -> Iterator["Cluster"]:
    """Run a cluster of one node; options are those of Ray's head node."""
    from ray.cluster_utils import Cluster

    without = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
    before = set(children(os.getpid()))
    with mock.patch.dict(os.environ, ENVIRONMENT):
        nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **without, **options})
        try:
            yield nodes
        finally:
            nodes.shutdown()
    wait_until(lambda: set(children(os.getpid())) <= before)
