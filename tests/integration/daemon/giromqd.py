"""A giromqd of a test's own: its folder, its ports, its end."""

import base64
import contextlib
import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

import contract

PROGRAM = os.path.join(os.environ.get("GIROMQ_BUILD_DIR", "."), "bin", "giromqd")
START_SECONDS = 60


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Daemon:
    """A running broker. `line` is what it printed when it was ready."""

    def __init__(self, folder, *arguments, dev=True, data=None, environment=None):
        self.folder = folder
        self.data = data or os.path.join(folder, "data")
        self.log = os.path.join(folder, "giromqd.log")
        command = [PROGRAM, "--data", self.data, "--http", "127.0.0.1:0"]
        command += ["--dev"] if dev else []
        command += [] if "--config" in arguments or "--amqp" in arguments else ["--amqp", "127.0.0.1:0"]
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(command + list(arguments), stdout=subprocess.PIPE, stderr=log,
                                            env={**os.environ, **(environment or {})})
        self.line = self._first_line()
        self.address = dict(re.findall(r"(\w+)=(\S+)", self.line))
        if "amqp" not in self.address and "amqps" not in self.address:
            self.kill()
            raise AssertionError(f"no ready line ({self.line!r}), exit code {self.process.returncode}:\n{self.logged()}")

    def _first_line(self):
        text, give_up_at = b"", time.monotonic() + START_SECONDS
        while not text.endswith(b"\n"):
            readable, _, _ = select.select([self.process.stdout], [], [], max(0, give_up_at - time.monotonic()))
            piece = os.read(self.process.stdout.fileno(), 4096) if readable else b""
            if not piece:
                break
            text += piece
        return text.decode()

    def logged(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def wait_for_log(self, text, seconds=30):
        give_up_at = time.monotonic() + seconds
        while text not in self.logged():
            if time.monotonic() > give_up_at:
                raise AssertionError(f"{text!r} was not logged:\n{self.logged()}")
            time.sleep(0.05)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=60):
        return self.process.wait(seconds)

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def port(self, kind):
        return int(self.address[kind].rsplit(":", 1)[1])

    def http(self, method, path, body=None, user=None, headers=None, tls=None):
        if tls:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port("https"), timeout=30, context=tls)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port("http"), timeout=30)
        with contextlib.closing(connection):
            all_headers = dict(headers or {})
            if user:
                all_headers["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
            data = None
            if isinstance(body, str):
                data = body
                all_headers["Content-Type"] = "application/xml"
            elif body is not None:
                data = json.dumps(body)
                all_headers["Content-Type"] = "application/json"
            connection.request(method, path, body=data, headers=all_headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            contract.check(method, path, answer.status, answer.headers["Content-Type"], text)
            return Response(answer.status, answer.headers, text)

    def first_token(self):
        """What the broker has written for whoever sets it up."""
        with open(os.path.join(self.data, "first-login-token"), encoding="utf-8") as stream:
            return stream.read().strip()

    def make_administrator(self, name="admin", password="a good password 1", tls=None):
        """The first one, by the token; (name, password)."""
        made = self.http("POST", "/api/v1/session", {"token": self.first_token(), "user": name, "password": password}, tls=tls)
        assert made.status == 200, made.body
        return name, password

    def raw(self, data, shutdown=False, seconds=20):
        """What the HTTP port answers to these bytes until it closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port("http")), timeout=seconds) as client:
            client.sendall(data)
            if shutdown:
                client.shutdown(socket.SHUT_WR)
            answer = b""
            while True:
                piece = client.recv(65536)
                if not piece:
                    return answer
                answer += piece


# What an application needs to do anything at all.
GRANT_ALL = {"grantee": {"kind": "role", "name": "application"}, "pattern": "#",
             "actions": ["send", "receive", "browse", "read-body", "create"]}


class DaemonTest(unittest.TestCase):
    """Gives every test a folder, and ends its brokers."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="giromqd-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, *arguments, **options):
        daemon = Daemon(self.folder, *arguments, **options)
        self.addCleanup(daemon.kill)
        return daemon

    def wait_until(self, condition, seconds=20):
        give_up_at = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > give_up_at:
                self.fail("it did not come about in time")
            time.sleep(0.05)

    def run_program(self, *arguments, environment=None, program=PROGRAM):
        return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, check=False,
                              env={**os.environ, **(environment or {})})

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        return path

    def make_certificate(self, name, common_name, authority=None):
        """(certificate file, key file); signed by itself, or by `authority`, such a pair."""
        certificate, key = os.path.join(self.folder, name + ".pem"), os.path.join(self.folder, name + ".key")
        extensions = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
        if authority is None:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                            "-subj", f"/CN={common_name}", "-keyout", key, "-out", certificate, *extensions],
                           check=True, capture_output=True)
        else:
            request = os.path.join(self.folder, name + ".csr")
            subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                            f"/CN={common_name}", "-keyout", key, "-out", request], check=True, capture_output=True)
            subprocess.run(["openssl", "x509", "-req", "-in", request, "-CA", authority[0], "-CAkey", authority[1], "-days", "2",
                            "-out", certificate], check=True, capture_output=True)
        return certificate, key

    def make_revocation_list(self, authority, withdrawn=(), options=("-crldays", "2")):
        """A file with what the authority has withdrawn; certificates that it has withdrawn before are in it too."""
        self.file("authority.cnf", f"[ca]\ndefault_ca=one\n[one]\ndatabase={self.folder}/withdrawn.txt\ndefault_md=sha256\n")
        with open(os.path.join(self.folder, "withdrawn.txt"), "a", encoding="utf-8"):
            pass
        made = os.path.join(self.folder, "withdrawn.pem")
        command = ["openssl", "ca", "-config", os.path.join(self.folder, "authority.cnf"), "-cert", authority[0], "-keyfile", authority[1]]
        for certificate in withdrawn:
            subprocess.run([*command, "-revoke", certificate], check=True, capture_output=True)
        subprocess.run([*command, "-gencrl", *options, "-out", made], check=True, capture_output=True)
        return made


def amqp_url(daemon):
    return "amqp://" + daemon.address["amqp"]


def certificate_digest(certificate):
    """SHA-256 of a certificate, as openssl shows it."""
    shown = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"], check=True, capture_output=True,
                           text=True)
    return shown.stdout.strip().partition("=")[2]


def shown_certificate(port):
    """The certificate that the server on this port shows, in DER."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain, context.wrap_socket(plain) as encrypted:
        return encrypted.getpeercert(binary_form=True)


def main():
    if not os.path.exists(PROGRAM):
        raise SystemExit(f"{PROGRAM} is not built: set GIROMQ_BUILD_DIR")
    unittest.main(verbosity=2)
