"""The keys of objects: what every store can keep, as a file or in S3."""

from shared.domain.errors import Invalid

_PART_BYTES = 255
_KEY_BYTES = 1024


def checked_key(key: str) -> str:
    """The key as it is. Raises Invalid unless it is parts with "/" between them, none of which is empty or leads
    elsewhere; a part has at most 255 bytes of UTF-8, all of it 1024."""
    try:
        parts = [part.encode() for part in key.split("/")]
    except UnicodeEncodeError:
        parts = []
    fits = all(0 < len(part) <= _PART_BYTES and part not in (b".", b"..") and b"\x00" not in part for part in parts)
    if not parts or not fits or len(key.encode()) > _KEY_BYTES:
        raise Invalid("This is not the key of an object.")
    return key
