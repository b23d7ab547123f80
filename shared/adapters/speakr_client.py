"""A Speakr elsewhere (or another Hansard), read over its API with a token.

It waits where the other server wants fewer calls, repeats what fails on the way, and shows the token to nobody else.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from shared.adapters import speakr_answers as answers
from shared.domain.errors import Invalid, NotFound, RateLimited, Unauthenticated, Unavailable
from shared.domain.imports import BrokenOff, Foreign, Label, Listed, Person, source_name

if TYPE_CHECKING:
    from httpx2 import Client, Response

_PER_PAGE = 100
#: Pages shift while somebody deletes over there: the list is read again until it is whole, or this often.
_READINGS = 3
#: Before a call that failed is repeated. (After the last one it has failed.)
_PAUSES = (1.0, 4.0, 15.0)
#: Where the other server does not say how long to wait: a Speakr allows 1000 calls of a kind per hour.
_FIRST_WAIT, _LONGEST_WAIT = 10.0, 300.0
_PATIENCE = 70 * 60.0
_REDIRECTS = 5
_TOO_MANY = 429
_NOT_THERE = (404, 410)


class SpeakrClient:
    """A Source. `waiting` is told how many seconds it waits when the other server wants fewer calls."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        sleep: Callable[[float], object] = time.sleep,
        waiting: Callable[[float], object] = lambda _: None,
    ) -> None:
        """Raises Invalid for an address that is none, or a token that cannot be sent."""
        self.name = source_name(url)
        self._token = token.strip()
        if not self._token or not self._token.isascii() or not self._token.isprintable():
            raise Invalid("This is not an API token.")
        self._api = f"{self.name}/api/v1"
        self._sleep = sleep
        self._waiting = waiting

    def close(self) -> None:
        self._client.close()

    def tags(self) -> Sequence[Label]:
        return answers.tags(self._feature("tags"))

    def folders(self) -> Sequence[Label]:
        """None where they are switched off."""
        return answers.folders(self._feature("folders"))

    def speakers(self) -> Sequence[Person]:
        return answers.speakers(self._feature("speakers"))

    def recordings(self) -> Sequence[Listed]:
        found: dict[int, Listed] = {}
        for _ in range(_READINGS):
            if self._read_list(found) <= len(found):
                break
        return list(found.values())

    def _read_list(self, found: dict[int, Listed]) -> int:
        """Adds what is new; returns how many there are said to be."""
        seen: set[int] = set()
        page = 1
        while True:
            asked = {"page": page, "per_page": _PER_PAGE, "sort_by": "created_at", "sort_order": "asc"}
            answer = self._json("recordings", asked)
            listed = answers.recordings(answer)
            fresh = [each for each in listed if each.id not in seen]
            seen.update(each.id for each in fresh)
            found.update((each.id, each) for each in fresh)
            # The end; or a server that answers the same page for ever.
            if not fresh or not answers.has_next(answer):
                return answers.total(answer)
            page += 1

    def recording(self, recording_id: int) -> Foreign:
        place = f"recordings/{recording_id}"
        detail = self._json(place, {"include": "summary,notes"})
        transcript = self._optional(f"{place}/transcript", {"format": "json"})
        # Only another Hansard knows more of a summary than its text.
        parts = self._optional(f"{place}/summary") if answers.has_parts(detail) else None
        return answers.foreign(detail, transcript, parts)

    @contextmanager
    def audio(self, recording_id: int) -> Iterator[Iterable[bytes]]:
        import httpx2

        response = self._follow(f"{self._api}/recordings/{recording_id}/audio")
        try:
            if response.headers.get("content-type", "").startswith("text/html"):
                raise Unavailable("The other server answers with a page in place of the audio.")
            yield response.iter_bytes(1024 * 1024)
        except httpx2.HTTPError as error:
            raise BrokenOff(f"The audio broke off ({type(error).__name__}).") from None
        finally:
            response.close()

    def _follow(self, url: str) -> "Response":
        """The audio, wherever it lies: a store elsewhere is asked without the token."""
        place = url
        for _ in range(_REDIRECTS):
            own = _origin(place) == _origin(url)
            response = self._call(place, {"Accept-Encoding": "identity"}, own=own)
            target = response.headers.get("location")
            if not response.is_redirect or not target:
                return self._checked(response)
            response.close()
            place = urljoin(place, target)
            if _origin(place) == _origin(url) and _leads_to_login(place):
                raise _bad_token()
        raise Unavailable("The other server sends one from place to place for the audio.")

    def _feature(self, path: str) -> Any:
        """None where it is switched off, or a token is not good for it."""
        try:
            return self._optional(path)
        except _Refused:
            return None

    def _optional(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """None where there is no such thing."""
        try:
            return self._json(path, query)
        except NotFound:
            return None

    def _json(self, path: str, query: dict[str, Any] | None = None) -> Any:
        response = self._checked(self._call(f"{self._api}/{path}", {}, query=query, whole=True))
        try:
            return response.json()
        except ValueError:
            raise Invalid(f"{self.name} answers with something that is not JSON: is it a Speakr?") from None

    def _checked(self, response: "Response") -> "Response":
        """Raises unless it is an answer with something in it."""
        if response.is_success:
            return response
        response.close()
        status = response.status_code
        if status == 401 or (response.is_redirect and _leads_to_login(response.headers.get("location", ""))):
            raise _bad_token()
        if response.is_redirect:
            raise Invalid(f"{self.name} sends one to {response.headers.get('location')}: give that address.")
        if status in _NOT_THERE:
            raise NotFound("It is not there any more.")
        if status < 500:
            raise _Refused(f"The other server refuses it (status {status}).")
        raise Unavailable(f"The other server fails (status {status}).")

    def _call(
        self,
        url: str,
        headers: dict[str, str],
        *,
        query: dict[str, Any] | None = None,
        own: bool = True,
        whole: bool = False,
    ) -> "Response":
        """The answer; its body is still to come unless `whole`. It repeats what fails and waits out 429."""
        shown = {"Authorization": f"Bearer {self._token}", **headers} if own else headers
        pauses, waited, wait = list(_PAUSES), 0.0, _FIRST_WAIT
        while True:
            response, trouble = self._send(url, shown, query, whole)
            status = 500 if response is None else response.status_code
            if response is not None and status == _TOO_MANY:
                response.close()
                pause = _retry_after(response) or wait
                if waited + pause > _PATIENCE:
                    raise RateLimited(f"{self.name} allows no more calls for now. Run the import again later.")
                self._waiting(pause)
                waited, wait = waited + pause, min(wait * 2, _LONGEST_WAIT)
            elif response is not None and (status < 500 or not pauses):
                return response
            elif not pauses:
                raise Unavailable(trouble)
            else:
                if response is not None:
                    response.close()
                pause = pauses.pop(0)
            self._sleep(pause)

    def _send(
        self, url: str, headers: dict[str, str], query: dict[str, Any] | None, whole: bool
    ) -> "tuple[Response | None, str]":
        """The answer, or None and what is wrong, in words without the address: that of a store is a credential."""
        import httpx2

        try:
            request = self._client.build_request("GET", url, params=query, headers=headers)
            response = self._client.send(request, stream=not whole)
        except httpx2.InvalidURL:
            return None, f"{self.name} names an address that cannot be read."
        except httpx2.TransportError as error:
            return None, f"{self.name} does not answer ({type(error).__name__})."
        return response, ""

    @cached_property
    def _client(self) -> "Client":
        import httpx2

        # A Speakr may look long for audio that lies in a slow store.
        return httpx2.Client(timeout=httpx2.Timeout(60.0, connect=10.0), follow_redirects=False)


class _Refused(Invalid):
    """A call that the other server does not allow."""


def _bad_token() -> Unauthenticated:
    return Unauthenticated("The other server does not accept the token.")


def _leads_to_login(location: str) -> bool:
    return urlsplit(location).path.rstrip("/").endswith("/login")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _retry_after(response: "Response") -> float | None:
    said = response.headers.get("retry-after", "")
    return float(said) if said.isascii() and said.isdigit() and len(said) < 6 and said != "0" else None
