"""The engines of the GPU side, as the settings ask for them."""

import logging

from functions.gpu.diarize import choose_diarizer
from functions.gpu.pipeline import Engines, Workers
from functions.gpu.summarize import ExtractiveSummarizer, LanguageModelSummarizer, Summarizer
from functions.gpu.transcribe import Transcriber, choose, load
from functions.gpu.workers import ProcessWorkers
from shared.adapters.openai_model import OpenAIModel
from shared.domain.errors import Invalid
from shared.domain.tasks import TranscribeOptions
from shared.wiring.settings import Settings

logger = logging.getLogger("hansard.engines")


def engines(settings: Settings, processes: int) -> Engines:
    """`processes` engines run side by side. Choosing an engine may wait until a task asks for one."""

    def workers_for(options: TranscribeOptions) -> tuple[Transcriber, Workers]:
        choice = choose(options.engine or settings.engine, options.model or settings.model)
        speakers = choose_diarizer("auto")
        return load(choice), ProcessWorkers(choice, speakers, processes)

    return Engines(workers_for, summarizer(settings), processes)


def summarizer(settings: Settings) -> Summarizer:
    """A language model where one is set, else the transcript's own sentences."""
    if settings.llm_url is None and settings.llm_key is None:
        return ExtractiveSummarizer()
    if settings.llm_model is None:
        raise Invalid("HANSARD_LLM_MODEL has to name the model that HANSARD_LLM_URL serves.")
    return LanguageModelSummarizer(OpenAIModel(settings.llm_url, settings.llm_key, settings.llm_model))
