"""Bodies of the Speakr API become models; what does not fit is told in one sentence."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shared.domain.errors import Invalid

_Model = TypeVar("_Model", bound=BaseModel)


def parsed(model: type[_Model], body: object) -> _Model:
    """The body as the model has it. Raises Invalid, with the first thing that is wrong."""
    if not isinstance(body, dict):
        raise Invalid("The body has to be a JSON object.")
    try:
        return model.model_validate(body)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise Invalid(f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}") from error


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """For `openapi_extra`: the description of a JSON body that a route reads by itself. Models in models cannot be."""
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}
