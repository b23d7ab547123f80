"""Secrets in the SSM Parameter Store."""

from collections.abc import Callable
from typing import Any

from shared.adapters import aws
from shared.domain.errors import Unavailable


def read(path: str, client: Callable[[], Any] = lambda: aws.client("ssm")) -> dict[str, str]:
    """The parameters right below `path` (`/hansard/prod`), decrypted, by the last part of their names.

    Raises Unavailable.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        pages = client().get_paginator("get_parameters_by_path").paginate(Path=path, WithDecryption=True)
        found = [parameter for page in pages for parameter in page["Parameters"]]
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"The parameters below {path} cannot be read: {error}") from error
    return {parameter["Name"].rpartition("/")[2]: parameter["Value"] for parameter in found}
