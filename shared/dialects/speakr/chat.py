"""Questions about a recording in Speakr's words."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from shared.dialects.speakr.recordings import RecordingDetail, detail
from shared.domain.errors import Invalid
from shared.domain.recordings import Details
from shared.services.chat import Message


def _role(sent: object) -> object:
    """Clients differ in what they call the model."""
    said = sent.lower() if isinstance(sent, str) else sent
    return "assistant" if said in ("model", "ai", "bot") else said


class HistoryMessage(BaseModel):
    """Clients send its text as `content` or as `text`."""

    model_config = ConfigDict(extra="ignore")

    role: Annotated[Literal["user", "assistant"], BeforeValidator(_role)]
    content: str | None = None
    text: str | None = None


class ChatRequest(BaseModel):
    model_config = ConfigDict(extra="ignore")

    message: str | None = None
    conversation_history: list[HistoryMessage] | None = None


#: Written out: the shape of a message has no place of its own in the API's document.
CHAT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "message": {"type": "string"},
        "conversation_history": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["role"],
                "properties": {
                    "role": {"type": "string", "enum": ["user", "assistant"]},
                    "content": {"type": "string"},
                    "text": {"type": "string"},
                },
            },
        },
    },
}


class ChatAnswer(BaseModel):
    """Answers come from the transcript as a whole: there are no sources to name."""

    response: str
    sources: list[Any] = []


class TitleAnswer(BaseModel):
    success: bool
    title: str
    recording: RecordingDetail


def title(found: Details, transcription: str) -> dict[str, Any]:
    shown = detail(found.recording, found.copies, found.events, **found.texts, transcription=transcription)
    return {"success": True, "title": found.recording.title, "recording": shown}


def history(asked: ChatRequest) -> list[Message]:
    """Raises Invalid for a message without a text."""
    messages = []
    for each in asked.conversation_history or ():
        text = each.text if each.content is None else each.content
        if text is None:
            raise Invalid("conversation_history: a message needs a content.")
        messages.append(Message(each.role, text))
    return messages
