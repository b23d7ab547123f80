"""The same request twice with the same Idempotency-Key does its work once, and is answered the same, for 24 hours.

What makes rows claims the key in the transaction of those rows, so that a crash leaves both or neither. What asks
somebody else (a language model) holds the key while it waits: `once`.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from shared.db import idempotency
from shared.db.database import Transaction
from shared.db.idempotency import Kept
from shared.domain.accounts import Caller, Scope
from shared.domain.errors import Conflict
from shared.services import access
from shared.services.core import Core


def purpose(name: str, target: int | None = None, wanted: object = None) -> str:
    """What a key is used for: the same name, target and wishes give the same text. `wanted` is plain JSON."""
    said = json.dumps(wanted, sort_keys=True, default=str)
    return f"{name} {target or ''} {hashlib.sha256(said.encode()).hexdigest()[:32]}"


def recall(core: Core, caller: Caller, key: str | None, purpose: str) -> int | None:
    """The id of what the key has made, if it has been used: for a look before the work.

    Raises Conflict when it was used for something else.
    """
    if key is None:
        return None
    with core.db.begin() as tx:
        return _reference(idempotency.find(tx, caller.user_id, key, core.now()), purpose)


def claim(core: Core, tx: Transaction, user_id: int, key: str | None, purpose: str) -> int | None:
    """The id of what the key has made before; None, and the caller has to `settle` it, when it is new.

    The first of two at once goes on, the second waits for its transaction. Raises Conflict as `recall` does.
    """
    if key is None:
        return None
    return _reference(idempotency.claim(tx, user_id, key, purpose, core.now()), purpose)


def settle(tx: Transaction, user_id: int, key: str | None, reference: int) -> None:
    """Says what has come of a claimed key."""
    if key is not None:
        idempotency.settle(tx, user_id, key, reference=reference)


def once(
    core: Core,
    caller: Caller,
    key: str | None,
    purpose: str,
    act: Callable[[], dict[str, Any]],
    *,
    needs: Sequence[Scope] = (Scope.PROCESS,),
) -> tuple[dict[str, Any], bool]:
    """What `act`, some processing, answers (plain JSON), and whether it was kept from an earlier call.

    An `act` that fails leaves the key unused. Raises Conflict as `recall` does, and while another is still at it.
    """
    if key is None:
        return act(), False
    claimed_at = core.now()
    with core.db.begin() as tx:
        kept = idempotency.claim(tx, caller.user_id, key, purpose, claimed_at)
        if kept is not None:
            _check(kept, purpose)
            # What the answer tells is not for a token that could not have asked.
            for scope in needs:
                access.need(caller, scope)
            return json.loads(kept.answer or "{}"), True
    try:
        answer = act()
    except BaseException:
        with core.db.begin() as tx:
            idempotency.release(tx, caller.user_id, key, claimed_at)
        raise
    with core.db.begin() as tx:
        # As one escaped text: JSON may hold characters that the database does not take.
        idempotency.settle(tx, caller.user_id, key, answer=json.dumps(answer), claimed_at=claimed_at)
    return answer, False


def _reference(kept: Kept | None, purpose: str) -> int | None:
    if kept is None:
        return None
    _check(kept, purpose)
    return kept.reference


def _check(kept: Kept, purpose: str) -> None:
    if kept.purpose != purpose:
        raise Conflict("This Idempotency-Key has been used for another request.")
    if kept.reference is None and kept.answer is None:
        raise Conflict("The first request with this Idempotency-Key is still at work.")
