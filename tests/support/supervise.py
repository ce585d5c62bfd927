"""Runs a server for as long as its caller lives.

    python supervise.py COMMAND…

Standard input is a pipe that the caller holds open. However the caller ends,
the pipe closes, and then the server, its children and its temporary files go.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading


def main() -> int:
    folder = tempfile.mkdtemp(prefix="payctl-server-")
    server = subprocess.Popen(
        sys.argv[1:],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "HOME": folder, "TMPDIR": folder},
        start_new_session=True,
    )

    def stop_with_the_caller() -> None:
        sys.stdin.buffer.read()
        os.killpg(server.pid, signal.SIGKILL)

    threading.Thread(target=stop_with_the_caller, daemon=True).start()
    try:
        return server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
