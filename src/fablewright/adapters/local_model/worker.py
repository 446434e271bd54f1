"""The other end of :class:`~fablewright.adapters.local_model.process.LocalModel`: serves one model until told to end.

Run as a module, with a JSON object of settings as its argument. Says where it listens in one line of standard output,
or why it does not. Ends when its standard input closes: with whoever started it, however that ended.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

__all__: list[str] = []


def _serve(settings: dict[str, Any]) -> Any:  # noqa: ANN401 - xllamacpp has no types
    """Load the model and listen at a port that is free; return the server, which must be kept."""
    import xllamacpp  # noqa: PLC0415 - whether that works is what is reported

    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.model_alias = [settings["model"]]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["key"]]
    params.n_ctx = settings["context"]
    params.n_parallel = 1
    params.cache_ram_mib = 0
    params.ui = False
    params.endpoint_slots = False
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = settings["threads"]
    params.verbosity = -1
    return xllamacpp.Server(params)


def main() -> None:
    """Serve."""
    say = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the library prints is not for our line
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        server = _serve(json.loads(sys.argv[1]))
        answer = {"url": f"{server.listening_address}/v1"}
    except Exception as error:  # noqa: BLE001 - whatever it is, it is said
        answer = {"error": " ".join(str(error).split())[:300] or type(error).__name__}
    say.write(json.dumps(answer) + "\n")
    say.flush()
    threading.Event().wait()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)  # a model in the middle of a sentence is not asked


if __name__ == "__main__":
    main()
