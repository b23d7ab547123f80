"""A LanguageModel that says what a test tells it to."""

from collections.abc import Mapping, Sequence

from shared.domain.errors import Unavailable
from shared.ports import Completion


class ScriptedModel:
    """Gives its answers one after the other, the last one again and again; None is a model that is away."""

    name = "scripted"

    def __init__(self, *answers: str | None, tokens: int = 100) -> None:
        self._answers = answers
        self._tokens = tokens
        self.asked: list[list[dict[str, str]]] = []

    def complete(
        self, messages: Sequence[Mapping[str, str]], *, max_tokens: int, temperature: float, json: bool = False
    ) -> Completion:
        self.asked.append([dict(message) for message in messages])
        answer = self._answers[min(len(self.asked), len(self._answers)) - 1]
        if answer is None:
            raise Unavailable("The language model is away.")
        return Completion(answer, self._tokens)
