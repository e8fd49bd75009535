"""A PostgreSQL cluster of a test's own: in its own folder, on a Unix socket and a free port of this machine, with prepared transactions."""

import glob
import os
import pathlib
import shutil
import signal
import subprocess
import time

from broker import free_port


def server_folder():
    """Where Debian has the server's programs, or None."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    return pathlib.Path(found[-1]).parent if found else None


def children_of(parent):
    children = []
    for status in glob.glob("/proc/[0-9]*/stat"):
        try:
            # "pid (name) state ppid ...", and the name may hold anything
            if int(pathlib.Path(status).read_text().rpartition(")")[2].split()[1]) == parent:
                children.append(int(status.split("/")[2]))
        except OSError:
            continue  # it has ended meanwhile
    return children


class PostgreSql:
    """`start`, `kill` and `start` again as often as wanted. The server refuses to run as root: then it is the user postgres."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "postgresql"
        self.log = self.folder / "server.log"
        self.port = free_port()
        self.process = None
        self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
        self.folder.mkdir()
        if self._as_user:
            os.chmod(folder, 0o755)
            shutil.chown(self.folder, "postgres", "postgres")
        self._run("initdb", "--pgdata", self.folder / "data", "--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8",
                  "--locale=C")

    @property
    def libpq(self):
        return f"host={self.folder} port={self.port} user=postgres dbname=postgres connect_timeout=10"

    def _run(self, program, *arguments):
        subprocess.run([*self._as_user, server_folder() / program, *map(str, arguments)], check=True, capture_output=True, cwd="/")

    def start(self):
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.folder,
                    "max_prepared_transactions": 50, "max_connections": 50, "shared_buffers": "16MB", "autovacuum": "off",
                    "recovery_init_sync_method": "syncfs"}
        command = ["setpriv", *self._as_user[1:], "--pdeathsig", "KILL", str(server_folder() / "postgres"), "-D", str(self.folder / "data")]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        deadline = time.monotonic() + 60
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL does not start:\n" + self.log.read_text(errors="replace")[-4000:])
            if self.process is None or self.process.poll() is not None:  # it refuses while something of the killed server is alive
                with open(self.log, "ab") as log:
                    self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
            time.sleep(0.05)
        return self

    def _is_ready(self):
        command = [server_folder() / "pg_isready", "-q", "-h", self.folder, "-p", str(self.port)]
        return self.process is not None and self.process.poll() is None and subprocess.run(command, check=False).returncode == 0

    def kill(self):
        """SIGKILL for the server and all that it has started: nothing is flushed, nobody is told."""
        if self.process is None or self.process.poll() is not None:
            return
        for pid in [self.process.pid, *children_of(self.process.pid)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def close(self):
        self.kill()

    def query(self, sql):
        """The first column of each row, as text."""
        done = subprocess.run([server_folder() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.libpq, "-c", sql],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{sql}: {done.stderr}")
        return done.stdout.split("\n")[:-1]

    def in_doubt(self):
        return self.query("SELECT gid FROM pg_prepared_xacts ORDER BY gid")
