"""Range requests, judged before a file answers them: one range is served, what cannot be read is no range at all."""

import re

from fastapi import HTTPException, Request

_RANGE = re.compile(r"bytes=(\d{0,100})-(\d{0,100})", re.ASCII | re.IGNORECASE)


def settle(request: Request, size: int) -> None:
    """Drops a Range header that is malformed or asks for several (RFC 9110, 14.2 lets a server ignore it).

    Raises 416 for one that lies behind the end of the `size` bytes.
    """
    asked = request.headers.get("range")
    if asked is None:
        return
    found = _RANGE.fullmatch(asked.strip())
    first, last = found.groups() if found else ("", "")
    if not (first or last) or (first and last and int(first) > int(last)):
        request.scope["headers"] = [(name, value) for name, value in request.scope["headers"] if name != b"range"]
        return
    behind = int(first) >= size if first else int(last) == 0
    if behind and "if-range" not in request.headers:
        refusal = f"The audio has {size} bytes; the range lies behind them."
        raise HTTPException(416, refusal, headers={"Content-Range": f"bytes */{size}"})
