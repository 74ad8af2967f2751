"""Which processes compute together, as the environment says."""

import json
import os
import re

_PORT = re.compile(r"\S+:(\d{1,4}|[1-5]\d{4}|6[0-4]\d{3})")


class ClusterError(ValueError):
    """The processes that are to compute together cannot."""


def workers():
    """Returns the addresses of all workers, and which of them this is.

    They are those of `TF_CONFIG`.

    Returns:
        List of strings, empty where none are named, and an integer.

    Raises:
        ClusterError: If it does not say so.

    Reference:

    - https://www.tensorflow.org/guide/distributed_training
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text or "{}")
        cluster = config.get("cluster") or {}
        if not cluster:
            return [], 0
        addresses, task = cluster["worker"], config["task"]
        index = int(task["index"])
        if (
            {*cluster} == {"worker"}
            and task["type"] == "worker"
            and 0 <= index < len(addresses) == len({*addresses})
            and all(_PORT.fullmatch(address) for address in addresses)
        ):
            return list(addresses), index
    except (ValueError, LookupError, TypeError, AttributeError):
        pass  # It is said below.
    raise ClusterError(
        'TF_CONFIG must be as {"cluster": {"worker": ["first:2222", '
        '"second:2222"]}, "task": {"type": "worker", "index": 0}}, the same '
        "for all workers but for the index, their place in the list, counted "
        f"from 0; each address with a port below 65000. Received: {text}"
    )


def is_of_many(distribute):
    """Returns whether this process is one of several workers.

    Args:
        distribute: String, see `tfdarts.training.distribution.replicas_of`.

    Raises:
        ClusterError: If the environment does not say who the workers are.
    """
    if distribute == "multiworker" and not workers()[0]:
        raise ClusterError(
            "--distribute=multiworker needs to know the other workers: set "
            "TF_CONFIG in the environment of each, as docs/distribution "
            "shows. For the devices of one machine give "
            "--distribute=mirrored."
        )
    return distribute in ("multiworker", "auto") and len(workers()[0]) > 1


def is_follower(distribute):
    """Returns whether this process only follows another, and writes nothing.

    Args:
        distribute: See `is_of_many`.
    """
    return is_of_many(distribute) and workers()[1] > 0
