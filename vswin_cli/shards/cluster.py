"""A quiet connection to a Ray cluster, which fails soon if there is no cluster."""

import logging
import os
import re
import socket
from typing import Any

from vswin_cli.errors import BackendError
from vswin_cli.system.extras import pip_command
from vswin_cli.system.processors import available_processors

_HOST = re.compile(r"(ray://)?(?P<name>[^/:]+):(?P<port>\d+)$")
_ANSWER_SECONDS = 10.0  # time limit for a cluster to accept a connection


def connected(address: str, *, verbose: bool) -> Any:  # noqa: ANN401 - Ray
    """Connect to a cluster; returns Ray.

    Args:
        address: `local`, `auto`, or an address for `ray.init`.
        verbose: Let Ray and its workers write to stderr.

    Raises:
        BackendError: Ray is not installed, or the cluster does not exist.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a hint
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError as exc:
        raise BackendError(f"--cluster needs Ray: run `{pip_command('ray')}`") from exc
    options: dict[str, Any] = {"log_to_driver": verbose, "logging_level": logging.ERROR}
    if address == "local":
        options |= {"num_cpus": available_processors(), "include_dashboard": False}
    try:
        if host := _HOST.match(address):  # Ray waits for minutes
            socket.create_connection((host["name"], int(host["port"])), _ANSWER_SECONDS).close()
        ray.init(address, **options)
    except (OSError, ValueError, RuntimeError) as exc:
        where = "of the environment" if address == "auto" else f"at {address}"
        raise BackendError(
            f"no Ray cluster {where}: check its address and `ray status`, or use --cluster local"
        ) from exc
    return ray
