"""Starts a real giromqd for a test, and ends it: used by the interop tests and by the storm."""

import base64
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

SKIPPED = 77  # the exit code that CTest takes as "skipped"


def build_folder():
    """GIROMQ_BUILD_DIR, or build/dev of the checkout."""
    folder = os.environ.get("GIROMQ_BUILD_DIR")
    return pathlib.Path(folder) if folder else pathlib.Path(__file__).resolve().parents[2] / "build" / "dev"


def program(name):
    return build_folder() / "bin" / name


def free_port():
    """A port below the range that outgoing connections take theirs from: otherwise a client that tries to reconnect while the broker is
    down could be given the very port it tries to reach, and be connected to itself."""
    generator = random.SystemRandom()
    for _ in range(200):
        port = generator.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


class Broker:
    """One data folder and the process over it. `start` and `kill` as often as wanted; the ports stay the same."""

    def __init__(self, arguments=("--dev",), folder=None):
        self.executable = program("giromqd")
        self.arguments = list(arguments)
        self.environment = {}  # beside that of the test
        self._own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="giromq-test-"))
        self.data = self.folder / "data"
        self.log = self.folder / "giromqd.log"
        self.port = free_port()
        self.http_port = free_port()
        self.process = None
        self._ready = threading.Event()

    @property
    def url(self):
        return f"amqp://127.0.0.1:{self.port}"

    def spawn(self):
        """Starts the process without waiting for it."""
        self._ready.clear()
        command = [str(self.executable), *self.arguments, "--data", str(self.data), "--amqp", f"127.0.0.1:{self.port}",
                   "--http", f"127.0.0.1:{self.http_port}"]
        setpriv = shutil.which("setpriv")
        if setpriv:  # so that the broker does not outlive a test that is killed
            command = [setpriv, "--pdeathsig", "KILL", *command]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            env={**os.environ, **self.environment})
        threading.Thread(target=self._read_output, args=(self.process,), daemon=True).start()

    def _read_output(self, process):
        with process.stdout, open(self.log, "ab") as log:
            for line in process.stdout:
                log.write(line)
                log.flush()
                if re.match(rb"giromqd ready\b", line) and process is self.process:
                    self._ready.set()

    def wait_until_ready(self, timeout=60):
        deadline = time.monotonic() + timeout
        while not self._ready.wait(0.02):
            if self.process.poll() is not None:
                raise RuntimeError(f"giromqd ended with exit code {self.process.returncode} before it was ready\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"giromqd was not ready after {timeout} s\n{self.log_tail()}")

    def start(self, timeout=60):
        self.spawn()
        self.wait_until_ready(timeout)
        return self

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """SIGKILL: nothing is flushed, nobody is told."""
        if self.process is not None:
            if self.process.poll() not in (None, -signal.SIGKILL):
                raise RuntimeError(f"giromqd had ended by itself with exit code {self.process.returncode}\n{self.log_tail()}")
            self.process.kill()
            self.process.wait()

    def stop(self, timeout=30):
        """SIGTERM; the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"giromqd did not end within {timeout} s of SIGTERM\n{self.log_tail()}") from None

    def check(self, timeout=300):
        """`giromqd --check` over the data folder of the stopped broker: (exit code, output)."""
        command = [str(self.executable), "--check", "--data", str(self.data)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        return result.returncode, result.stdout + result.stderr

    def close(self):
        """Ends the process and removes the folder."""
        if self.is_running():
            self.process.kill()
            self.process.wait()
        if self._own_folder and not os.environ.get("GIROMQ_TEST_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def log_tail(self, lines=40):
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def rest(self, method, path, body=None, user=None, password=None):
        """(status, decoded JSON or None) of a REST call."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if user is not None:
            request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as failure:
            status, text = failure.code, failure.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
