"""Every minute: leases that ran out, kicks that got lost, uploads and connections that nobody ended."""

from typing import Any

from functions.aws.runtime import Event, core


def handler(_: Event, __: Any) -> None:
    from shared.services.sweep import sweep

    try:
        sweep(core())
    finally:
        # Launching is the business of launch_jobs.
        core().kicks.kick()
