"""The API on AWS Lambda: one app per container, built at the first request."""

import asyncio
from functools import cache
from typing import Any

from mangum import Mangum


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """API Gateway's event of an HTTP request (payload 2.0) in, its response out."""
    return _adapter()(event, context)


@cache
def _adapter() -> Mangum:
    # Not at the top: a container whose secrets or database are away is to answer so, not to fail at its start.
    from api.app import create_app
    from shared.wiring import cloud

    # Mangum runs the app in the loop of this thread; newer Pythons no longer make one by themselves.
    asyncio.set_event_loop(asyncio.new_event_loop())
    # Mangum would run the lifespan for every request.
    app = create_app(cloud.core(), auth="required", proxy_hops=cloud.settings().proxy_hops)
    return Mangum(app, lifespan="off")
