"""The language model that the settings name, for workers and for the web side."""

from shared.adapters.openai_model import OpenAIModel
from shared.domain.errors import Invalid
from shared.wiring.settings import Settings

#: While somebody waits for the answer: API Gateway and Lambda give up after 29 s.
_WEB_SECONDS = 22.0


def language_model(settings: Settings) -> OpenAIModel | None:
    """For work that may take minutes. None where none is set. Raises Invalid for half a setting."""
    if settings.llm_url is None and settings.llm_key is None:
        return None
    if settings.llm_model is None:
        raise Invalid("HANSARD_LLM_MODEL has to name the model that HANSARD_LLM_URL serves.")
    return OpenAIModel(settings.llm_url, settings.llm_key, settings.llm_model)


def web_model(settings: Settings) -> OpenAIModel | None:
    """The same, for requests: asked once, and not for long. None also for half a setting: workers complain of it."""
    if settings.llm_model is None or (settings.llm_url is None and settings.llm_key is None):
        return None
    return OpenAIModel(settings.llm_url, settings.llm_key, settings.llm_model, timeout=_WEB_SECONDS, retries=0)
