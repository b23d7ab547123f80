"""What holds for a recording where its request leaves it open: by its tags, its folder, the server and its owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.db import accounts, edits, folders, recordings, tags
from shared.db.database import Transaction
from shared.domain import defaults
from shared.domain.accounts import Preferences
from shared.domain.defaults import Defaults
from shared.domain.errors import Invalid
from shared.domain.folders import Folder
from shared.domain.languages import normalize_language
from shared.domain.policy import Policy
from shared.domain.tags import Tag
from shared.domain.tasks import TranscribeOptions


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that speaks for a recording beside the request itself."""

    preferences: Preferences
    tags: Sequence[Tag] = ()
    folder: Folder | None = None
    prompt_variables: Mapping[str, str] | None = None


def of_upload(policy: Policy, asked: TranscribeOptions, around: Surroundings) -> TranscribeOptions:
    """The options of a first transcription: request, tags, folder, server, owner, in this order for each of them."""
    by_tags = [tag.defaults for tag in around.tags]
    by_folder = [around.folder.defaults] if around.folder is not None and not by_tags else []
    by_server = Defaults(
        default_language=_language(policy.language),
        default_min_speakers=policy.min_speakers,
        default_max_speakers=policy.max_speakers,
    )
    by_owner = Defaults(default_language=_language(around.preferences.transcription_language))
    found = defaults.resolve(asked, [*by_tags, *by_folder, by_server, by_owner])
    return _with_wishes(found, around)


def of_summary(tx: Transaction, recording_id: int, user_id: int, asked: TranscribeOptions) -> TranscribeOptions:
    """`asked`, with what the recording's tags, folder and owner want of its summary now; not how to transcribe it."""
    recording, brought = recordings.by_id(tx, recording_id), edits.brought(tx, recording_id)
    assert recording is not None
    assert brought is not None
    around = Surroundings(
        preferences=accounts.preferences(tx, user_id),
        tags=tags.of_recording(tx, recording_id) if recording.tags else [],
        folder=folders.by_id(tx, recording.folder.id) if recording.folder else None,
        prompt_variables=brought.prompt_variables,
    )
    return _with_wishes(asked, around)


def _with_wishes(asked: TranscribeOptions, around: Surroundings) -> TranscribeOptions:
    chosen = around.preferences
    prompt = defaults.summary_prompt(
        [tag.defaults for tag in around.tags],
        around.folder.defaults if around.folder is not None and not around.tags else None,
        chosen.summary_prompt,
        around.prompt_variables or {},
    )
    return replace(
        asked,
        diarize=asked.diarize and chosen.diarize,
        summarize=asked.summarize and chosen.auto_summarization,
        extract_events=asked.extract_events or chosen.extract_events,
        summary_prompt=asked.summary_prompt or prompt,
        output_language=asked.output_language or chosen.output_language,
    )


def _language(name: str | None) -> str | None:
    """What nobody can know to be a language is left open: an upload must not fail for it."""
    try:
        return normalize_language(name)
    except Invalid:
        return None
