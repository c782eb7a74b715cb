"""An endpoint on the loopback like OpenAI's, which answers well, but for its faults.

In a thread of the test's own process::

    with FakeOpenAI(table="visits", faults=(Fault("429", calls=(0, 1)),)) as server:
        ChatModel(MODEL, base_url=server.url, api_key_env="NAME_OF_A_VARIABLE")
        server.log()

or, so that its work is not ours, in a process: ``FakeOpenAI(...).in_process()``.
"""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from contextlib import contextmanager
from dataclasses import asdict
from http.server import ThreadingHTTPServer
from pathlib import Path

from doubles.fake_openai_handler import MODEL, CallLog, Handler, Settings
from doubles.faults import Fault

__all__ = ["MODEL", "FakeOpenAI", "Fault"]

TESTS = Path(__file__).parents[1]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """Keep quiet where a client went away; tell all else."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class FakeOpenAI:
    """A server in a thread, for a ``with`` block."""

    def __init__(self, **settings):
        self.settings = Settings(**settings)

    def __enter__(self):
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.settings, self._server.calls = self.settings, CallLog()
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.daemon = True
        thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        return self

    def __exit__(self, *error):
        self._server.calls.closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def peak(self):
        """Most calls that were in flight at once."""
        return self._server.calls.peak

    def log(self):
        """Return an entry per call, in order of arrival."""
        return list(self._server.calls.entries)

    def release(self):
        """Let go of the calls that are held."""
        self._server.calls.released.set()

    @contextmanager
    def in_process(self):
        """Run the server in a process of its own."""
        path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, json.dumps(asdict(self.settings))],
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield _Remote(process.stdout.readline().strip())
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


class _Remote:
    """A server in another process, by its log of calls."""

    def __init__(self, url):
        self.url = url

    def _get(self, what):
        with urllib.request.urlopen(f"{self.url[:-3]}/{what}") as reply:
            return json.load(reply)

    @property
    def peak(self):
        return self._get("log")["peak"]

    def log(self):
        return self._get("log")["entries"]

    def release(self):
        self._get("release")


def main():
    """Serve with the settings given as JSON, and print the address."""
    settings = json.loads(sys.argv[1])
    settings["faults"] = tuple(Fault(**fault) for fault in settings["faults"])
    with FakeOpenAI(**settings) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
