"""``python -m fablewright`` and the console script ``fablewright``: the same ``main``."""

from __future__ import annotations

import time

# As early as can be: `--timeout` counts from the start of the process. The CPU time spent so far stands for
# the start of the interpreter, which no clock of ours has seen.
STARTED = time.monotonic() - time.process_time()


def main() -> None:
    """Run the command line and leave the process, also if a thread still hangs somewhere."""
    import os  # noqa: PLC0415 - STARTED comes before any import that costs something
    import sys  # noqa: PLC0415 - as os

    try:
        from fablewright.entry.cli import run  # noqa: PLC0415 - as os; and Ctrl-C while it loads is caught below

        status = run(sys.argv[1:], started=STARTED)
        sys.stdout.flush()
        sys.stderr.flush()
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:  # the reader has gone, as with `| head`: there is nobody left to complain to
        status = 0
    # Not sys.exit: that waits for threads, and the answer is out already. The index bears it: it is
    # transactional.
    os._exit(status)


if __name__ == "__main__":
    main()
