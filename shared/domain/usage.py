"""What users have used of the service in a month, and what they may use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of transcribed audio, and tokens of language models."""

    seconds: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Budget:
    """What a user may use in a month (None: any amount), and has used so far in this one."""

    seconds: int | None
    tokens: int | None
    used: Usage

    @property
    def transcription_refusal(self) -> str | None:
        """Why there is no more transcription this month; None while there is."""
        if self.seconds is None or self.used.seconds < self.seconds:
            return None
        return f"The monthly transcription budget of {self.seconds / 60:g} minutes is used up."

    @property
    def tokens_refusal(self) -> str | None:
        """Why no language model works for this user any more this month; None while one does."""
        if self.tokens is None or self.used.tokens < self.tokens:
            return None
        return f"The monthly budget of {self.tokens} tokens is used up."


NO_BUDGET = Budget(None, None, Usage())
