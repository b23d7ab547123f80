"""A chat model behind any server that speaks the OpenAI chat completions wire format: a vendor, vLLM, llama.cpp, …"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from json import loads
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.domain.errors import Unavailable
from shared.ports import Completion

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI, OpenAIError

OPENAI_URL = "https://api.openai.com/v1"
RETRIES = 1
_COMPLAINT_CHARACTERS = 300
#: No answer costs more: who says so has counted wrong.
_MOST_TOKENS = 10**9


class OpenAIModel:
    """A LanguageModel. `timeout` is seconds per attempt; busy and failing servers are asked `retries` times more."""

    def __init__(
        self,
        base_url: str | None,
        api_key: str | None,
        model: str,
        timeout: float = 120.0,
        *,
        retries: int = RETRIES,
    ) -> None:
        self.name = model
        self._base_url = base_url or OPENAI_URL
        self._api_key = api_key
        self._timeout = timeout
        self._retries = retries

    def complete(
        self, messages: Sequence[Mapping[str, str]], *, max_tokens: int, temperature: float, json: bool = False
    ) -> Completion:
        """With `json` the server is asked for a JSON object. Raises Unavailable."""
        request: dict[str, Any] = {
            "model": self.name,
            "messages": [dict(message) for message in messages],
            "max_tokens": max_tokens,
            "temperature": temperature,
        }
        if json:
            request["response_format"] = {"type": "json_object"}
        return self._completion(self._answer(request))

    def _answer(self, request: dict[str, Any]) -> str:
        """The body of the answer. No cause is chained to Unavailable: a foreign error may quote the key."""
        import openai

        try:
            return self._client.chat.completions.with_raw_response.create(**request).text
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            simpler = _without_refused(request, error.message)
            if simpler is None:
                raise Unavailable(self._reason(error)) from None
        except openai.OpenAIError as error:
            raise Unavailable(self._reason(error)) from None
        return self._answer(simpler)

    @cached_property
    def _client(self) -> "OpenAI":
        from openai import OpenAI

        # Without a key the package would look for one in the environment; a server at home wants none.
        key = self._api_key or "none"
        return OpenAI(base_url=self._base_url, api_key=key, timeout=self._timeout, max_retries=self._retries)

    def _completion(self, body: str) -> Completion:
        try:
            said = loads(body)
            content = said["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError):
            raise Unavailable(f"{self._who} sent something that is not a chat completion.") from None
        if not isinstance(content, str) or not content.strip():
            raise Unavailable(f"{self._who} sent an empty answer.")
        return Completion(content, _tokens(said.get("usage")))

    @property
    def _who(self) -> str:
        host = urlsplit(self._base_url).netloc.rpartition("@")[2] or self._base_url
        return f"The language model {self.name} at {host}"

    def _reason(self, error: "OpenAIError") -> str:
        import openai

        match error:
            case openai.APITimeoutError():
                return f"{self._who} did not answer within {self._timeout:g} s."
            case openai.APIConnectionError():
                return f"{self._who} cannot be reached."
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return f"{self._who} refused the key."
            case openai.APIStatusError():
                return f"{self._who} answered {error.status_code}: {self._complaint(error)}"
            case _:
                return f"{self._who} failed: {type(error).__name__}."

    def _complaint(self, error: "APIStatusError") -> str:
        text = " ".join(error.message.split())
        if self._api_key:
            text = text.replace(self._api_key, "***")
        return text[:_COMPLAINT_CHARACTERS]


def _tokens(usage: object) -> int:
    """What question and answer cost; 0 where the server does not say, or not in whole numbers."""
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if type(total) is int and 0 <= total <= _MOST_TOKENS else 0


def _without_refused(request: dict[str, Any], complaint: str) -> dict[str, Any] | None:
    """The request as a server may take it that refused it; None when nothing is left to do without.

    Reasoning models know `max_completion_tokens` only, and no temperature; small servers know no `response_format`.
    """
    rest = dict(request)
    if "max_tokens" in rest and "max_completion_tokens" in complaint:
        rest["max_completion_tokens"] = rest.pop("max_tokens")
    elif "temperature" in rest and "temperature" in complaint:
        del rest["temperature"]
    elif "response_format" in rest:
        del rest["response_format"]
    else:
        return None
    return rest
