"""Opens media files: which formats may come in, which stream is the sound, what FFmpeg's errors mean to a person."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard

from shared.domain.errors import Invalid, NotFound, Unavailable

# Uploads are strangers' files, and some FFmpeg demuxers (hls, concat, dash, image2, …) open further files or URLs
# that the file names. So only plain audio and video containers are let in.
FORMATS = (
    "aac,ac3,adts,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,gsm,iff,loas,matroska,webm,"
    "mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,mxf,nut,oga,ogg,oma,opus,rm,sln,spx,tak,tta,voc,w64,wav,wv,xwma"
)
NETWORK_PROTOCOLS = "http,https,httpproxy,tcp,tls"
OPEN_TIMEOUT, READ_TIMEOUT = 30.0, 60.0


def is_url(source: str) -> bool:
    return source.lower().startswith(("http://", "https://"))


@contextmanager
def open_sound(source: str) -> Iterator[tuple[InputContainer, AudioStream]]:
    """Opens `source` (a path or an http(s) URL) and its best audio stream; all other streams are skipped.

    Raises Invalid when the file cannot be used, NotFound when there is none, Unavailable when it cannot be reached.
    """
    _refuse_empty(source)
    with understood(source):
        container = _open(source)
    try:
        yield container, _best_audio(container)
    finally:
        container.close()


@contextmanager
def understood(source: str) -> Iterator[None]:
    """Turns FFmpeg's errors into the domain's, as sentences for a person."""
    try:
        yield
    except (av.error.FileNotFoundError, av.error.HTTPNotFoundError) as error:
        raise NotFound("The recording's file is not there any more.") from error
    except (av.error.HTTPError, av.error.HTTPClientError) as error:
        raise Unavailable(f"The recording's file cannot be fetched: {error.strerror}.") from error
    except (av.error.InvalidDataError, av.error.EOFError, av.error.DemuxerNotFoundError) as error:
        raise Invalid("The file is not an audio or video recording that can be read.") from error
    except av.error.FFmpegError as error:
        if is_url(source):
            raise Unavailable(f"The recording's file cannot be fetched: {error.strerror}.") from error
        raise Invalid(f"The file cannot be read: {error.strerror}.") from error


def _refuse_empty(source: str) -> None:
    if is_url(source):
        return
    if not Path(source).is_file():
        raise NotFound("The recording's file is not there any more.")
    if Path(source).stat().st_size == 0:
        raise Invalid("The file is empty.")


def _open(source: str) -> InputContainer:
    if is_url(source):
        return av.open(
            source,
            metadata_errors="ignore",
            options={
                "format_whitelist": FORMATS,
                "protocol_whitelist": NETWORK_PROTOCOLS,
                "reconnect": "1",
                "reconnect_on_network_error": "1",
                "reconnect_delay_max": "5",
            },
            timeout=(OPEN_TIMEOUT, READ_TIMEOUT),
        )
    return av.open(
        f"file:{Path(source).resolve()}",
        metadata_errors="ignore",
        options={"format_whitelist": FORMATS, "protocol_whitelist": "file"},
    )


def _best_audio(container: InputContainer) -> AudioStream:
    stream = container.streams.best("audio")
    if not isinstance(stream, AudioStream):
        raise Invalid("The file has no sound: it holds no audio stream.")
    if stream.codec_context is None or stream.codec_context.sample_rate <= 0:
        raise Invalid("The sound in this file is in a form that cannot be decoded.")
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    return stream
