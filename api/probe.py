"""`python -m api.probe FILE`: what a media file holds, as JSON. Run by the server for each upload."""

import sys

from functions.gpu.audio import probe
from shared.adapters.process_probe import REFUSED, as_json
from shared.domain.errors import HansardError


def main() -> int:
    try:
        print(as_json(probe(sys.argv[1])))
    except HansardError as refusal:
        print(refusal)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
