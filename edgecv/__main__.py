"""`python -m edgecv`, and the command `edgecv` itself."""

from __future__ import annotations

import contextlib
import signal
import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback at any moment.

    Before the first verb is read there is nobody to catch it, and once the verb is done Python
    still takes libraries down, which answer it with tracebacks of their own: from there on the
    signal itself ends the process (130 for a shell).
    """
    try:
        from edgecv.cli.app import app

        app(prog_name="edgecv")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        with contextlib.suppress(OSError):  # the reader may have closed it
            sys.stdout.flush()
        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()
