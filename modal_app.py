"""The Modal app: images, the volume with the weights, and one function or class per kind of work. No logic.

`modal deploy modal_app.py` deploys it. It wants a secret `hansard`; shared/wiring/modal_settings.py says what may be
set. The work itself is imported inside the functions: it runs in the containers, where its libraries are.
"""

import subprocess

import modal

from shared.wiring.modal_settings import ModalSettings

MINUTE, HOUR, GIB = 60, 3600, 1024
MODELS = "/models"
settings = ModalSettings()
app = modal.App("hansard")

# One image per kind of work, for CTranslate2, torch and vLLM each bring CUDA libraries of their own. Everything is
# pinned; a test holds the versions against the lock file.
UV = "0.13.8"
ENVIRONMENT = {"HF_HOME": MODELS, **settings.environment()}
base = modal.Image.debian_slim(python_version="3.11").uv_pip_install(
    *("httpx2==2.16.2", "pydantic==2.14.3", "pydantic-settings==2.16.3", "snowballstemmer==3.1.1"),
    *("av==18.1.0", "numpy==2.4.6", "scipy==1.17.1", "faster-whisper==1.2.1", "ctranslate2==4.8.5"),
    uv_version=UV,
)
cpu_image = (
    base.uv_pip_install("openai==3.52.0", uv_version=UV).env(ENVIRONMENT).add_local_python_source("functions", "shared")
)
# CTranslate2 4.8 wants cuBLAS and no cuDNN any more, and looks for it only where the loader does.
whisper_image = (
    base.uv_pip_install("nvidia-cublas-cu12==12.9.1.4", uv_version=UV)
    .env({**ENVIRONMENT, "LD_LIBRARY_PATH": "/usr/local/lib/python3.11/site-packages/nvidia/cublas/lib"})
    .add_local_python_source("functions", "shared")
)
pyannote_image = (
    base.uv_pip_install(
        *("torch==2.11.0", "torchaudio==2.11.0", "torchcodec==0.11.1", "pyannote.audio==4.0.7"), uv_version=UV
    )
    .env(ENVIRONMENT)
    .add_local_python_source("functions", "shared")
)
# vLLM compiles kernels when it starts, hence the compiler.
llm_image = (
    modal.Image.debian_slim(python_version="3.12")
    .apt_install("build-essential")
    .uv_pip_install("vllm==0.31.0", "pydantic-settings==2.16.3", uv_version=UV)
    .env(ENVIRONMENT)
    .add_local_python_source("shared")
)

weights = modal.Volume.from_name("hansard-models", create_if_missing=True)
# HANSARD_LLM_URL, HANSARD_LLM_KEY and HANSARD_LLM_MODEL for the summaries, HF_TOKEN for models behind a licence.
secret = modal.Secret.from_name("hansard")


# `modal run modal_app.py::download_models`, once and after a change of the models.
@app.function(image=cpu_image, volumes={MODELS: weights}, secrets=[secret], timeout=HOUR, retries=2)
def download_models() -> None:
    from shared.wiring import modal as wiring

    wiring.download_models()
    weights.commit()


# One slice at a time: its batches fill a GPU. Four cores decode and find the speech, for a tenth of the GPU's price,
# so that the GPU does not wait for them. A slice takes 6 to 15 s; retried are those whose GPU or network fails.
@app.cls(
    image=whisper_image,
    gpu=settings.gpus,
    cpu=4.0,
    memory=4 * GIB,
    volumes={MODELS: weights},
    max_containers=settings.modal_max_gpus,
    scaledown_window=settings.modal_scaledown_seconds,
    enable_memory_snapshot=True,
    timeout=15 * MINUTE,
    retries=2,
)
class Transcriber:
    @modal.enter(snap=True)
    def prepare(self) -> None:
        from shared.wiring import modal as wiring

        wiring.prepare()

    @modal.method()
    def transcribe(self, source, part, options):
        from shared.wiring import modal as wiring

        return wiring.transcribe(source, part, options)


# Today's engine runs on the CPU, so no GPU is paid for. The image is ready for pyannote, which will want one, and the
# volume with its weights.
@app.cls(image=pyannote_image, cpu=2.0, memory=4 * GIB, enable_memory_snapshot=True, timeout=HOUR, retries=1)
class Diarizer:
    @modal.enter(snap=True)
    def prepare(self) -> None:
        from shared.wiring import modal as wiring

        wiring.prepare()

    @modal.method()
    def diarize(self, source, options):
        from shared.wiring import modal as wiring

        return wiring.diarize(source, options)


# No retries: the client of the language model repeats by itself, and a transcript can do without a summary.
@app.cls(image=cpu_image, cpu=1.0, secrets=[secret], timeout=30 * MINUTE)
@modal.concurrent(max_inputs=20)
class Summarizer:
    @modal.method()
    def read(self, what, segments, wishes):
        from shared.wiring import modal as wiring

        return wiring.read(what, segments, wishes)


# No retries: it reports whatever happens, and the service decides about another attempt. (A container that is
# preempted or dies is something else: Modal gives its task to a new one, which goes on where the old one was.)
@app.function(image=cpu_image, cpu=1.0, memory=GIB, volumes={MODELS: weights}, timeout=6 * HOUR)
def process(task_json: str) -> None:
    """`task_json` is a TranscribeTask as shared.wire writes it."""
    from shared.wiring import modal as wiring

    # The app's own objects, not lookups by name: Modal fills them in when the container starts, and so does the
    # stand-in in infra/local. There is no name to get wrong, and no environment to know.
    wiring.process(task_json, Transcriber(), Diarizer(), Summarizer())  # pyright: ignore[reportCallIssue]


# No retries: web functions have none. A lone summary costs its cold start and the idle time after it, some 10 cents; a
# vendor's, less than 4. So this is for transcripts that must not go to a vendor. Nobody who does not call it pays.
@app.function(
    image=llm_image, gpu="L40S", volumes={MODELS: weights}, secrets=[secret], scaledown_window=2 * MINUTE, timeout=HOUR
)
@modal.concurrent(max_inputs=32)
@modal.web_server(port=8000, startup_timeout=10 * MINUTE)
def llm() -> None:
    # By a shell: it refuses to start without the key, which stays out of all arguments and logs.
    start = 'VLLM_API_KEY="${HANSARD_LLM_KEY:?is missing}" exec vllm serve "$0" --port 8000 --max-model-len 32768'
    subprocess.Popen(["/bin/sh", "-c", start, settings.modal_llm])


# Live transcription will stand here: api/live as a @modal.asgi_app(), and its GPU class beside it.
