"""Proof that nothing is left over and nothing is missing: rows and objects that contradict each other."""

from dataclasses import dataclass
from datetime import timedelta

from shared.db import doctor, recording_counts
from shared.services.core import Core

#: What the sweep should have seen to long before.
_LONG = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` is wrong with `ids`: numbers, or keys of objects. `fixable` when `fix` puts it right."""

    what: str
    ids: tuple[str, ...]
    fixable: bool = False


_ORPHANS = "objects that no row knows"
_MISSING = "recordings whose audio is not there"
_COUNTS = "users whose counters are not what a recount says"

#: All that is examined, in this order.
CHECKS = (_ORPHANS, _MISSING, *doctor.QUESTIONS, _COUNTS)


def examine(core: Core) -> list[Finding]:
    """All that is wrong; nothing on a healthy installation, also while it works."""
    found = {_ORPHANS: _orphans(core), _MISSING: _missing(core)}
    with core.db.begin() as tx:
        for question in doctor.QUESTIONS:
            found[question] = list(doctor.ask(tx, question, core.now() - _LONG))
        found[_COUNTS] = [f"{user_id} ({status})" for user_id, status in recording_counts.differing(tx)]
    return [Finding(what, tuple(found[what]), fixable=what in (_ORPHANS, _COUNTS)) for what in CHECKS if found[what]]


def fix(core: Core, findings: list[Finding]) -> None:
    """Puts right what can be put right without losing anything: objects of nobody go, counters are counted anew."""
    for finding in findings:
        if finding.what == _ORPHANS:
            for key in finding.ids:
                core.objects.delete(key)
        elif finding.what == _COUNTS:
            with core.db.begin() as tx:
                recording_counts.recount(tx)


def _orphans(core: Core) -> list[str]:
    # The store before the rows: what comes in meanwhile has its row by then.
    stored = core.objects.keys()
    with core.db.begin() as tx:
        known = doctor.kept_keys(tx) | doctor.expected_keys(tx)
    # What has gone with its row meanwhile is no orphan.
    return sorted(key for key in stored if key not in known and core.objects.size(key) is not None)


def _missing(core: Core) -> list[str]:
    with core.db.begin() as tx:
        wanted = doctor.kept_keys(tx)
    gone = [key for key in wanted - set(core.objects.keys()) if core.objects.size(key) is None]
    if not gone:
        return []
    with core.db.begin() as tx:
        # Unless the row has gone meanwhile, too.
        return sorted(set(gone) & doctor.kept_keys(tx))
