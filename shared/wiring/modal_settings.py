"""What an operator may turn when modal_app.py is deployed. Nothing heavy is imported here: `modal deploy` reads it."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ModalSettings(BaseSettings):
    """Read from `HANSARD_*` where `modal deploy` runs; the images carry the values into the containers.

    Costs rest on list prices of 2026 in dollars per second: L40S .000542, A10 .000306, L4 .000222, a CPU core .0000131.
    """

    model_config = SettingsConfigDict(env_prefix="HANSARD_", extra="ignore")

    engine: str = Field(default="faster-whisper", description="Speech to text on Modal: `faster-whisper`.")
    model: str = Field(default="large-v3-turbo", description="The speech model on Modal.")
    # An hour of audio costs about 2 cents on any of these: an L40S is 2.4 times as dear as an L4 and as much faster.
    # So the fastest comes first, and the others are for times when there is none.
    modal_gpu: str = Field(
        default="L40S,A10,L4", description="The GPUs to transcribe on, the preferred one first; empty for CPUs."
    )
    # A container costs its cold start and its last idle seconds, on an L40S about a cent: as much as half an hour of
    # audio. The smallest plan has 10 GPUs, of which the language model takes one.
    modal_max_gpus: int = Field(default=8, ge=1, description="How many containers transcribe at once.")
    # An idle minute on an L40S costs as much as 1.6 hours of audio. A burst of slices needs none: a container that has
    # another slice waiting for it takes it at once.
    modal_scaledown_seconds: int = Field(
        default=5, ge=2, le=3600, description="How long an idle container waits for more work."
    )
    modal_llm: str = Field(
        default="Qwen/Qwen3-4B-Instruct-2507", description="The language model that the `llm` function serves."
    )

    @property
    def gpus(self) -> list[str] | None:
        """For Modal's `gpu`: in the order of preference, or None for CPUs."""
        return [name.strip() for name in self.modal_gpu.split(",") if name.strip()] or None

    def environment(self) -> dict[str, str | None]:
        """These settings as variables: whoever runs in a container sees what was set at the deployment."""
        return {f"HANSARD_{name.upper()}": str(value) for name, value in self.model_dump().items()}
