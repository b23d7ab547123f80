"""The engines of the GPU side, as the settings ask for them."""

import logging

from functions.gpu.diarize import choose_diarizer
from functions.gpu.pipeline import Engines, Workers
from functions.gpu.summarize import ModelReader, Reader, RuleReader
from functions.gpu.transcribe import Transcriber, choose, load
from functions.gpu.workers import ProcessWorkers
from shared.domain.tasks import TranscribeOptions
from shared.wiring.language import language_model
from shared.wiring.settings import Settings

logger = logging.getLogger("hansard.engines")


def engines(settings: Settings, processes: int) -> Engines:
    """`processes` engines run side by side. Choosing an engine may wait until a task asks for one."""

    def workers_for(options: TranscribeOptions) -> tuple[Transcriber, Workers]:
        choice = choose(options.engine or settings.engine, options.model or settings.model)
        speakers = choose_diarizer("auto")
        return load(choice), ProcessWorkers(choice, speakers, processes)

    return Engines(workers_for, reader(settings), processes)


def reader(settings: Settings) -> Reader:
    """A language model where one is set, else rules."""
    model = language_model(settings)
    return RuleReader() if model is None else ModelReader(model)
