"""REST and the HTTP server of a running giromqd."""

import http.client
import json
import signal
import socket
import time
import unittest

import giromqd

try:
    import proton
    import proton.utils
except ImportError:
    proton = None

HOST = b"Host: localhost\r\n"


class QueueTest(giromqd.DaemonTest):
    def test_a_queue_lives_and_dies(self):
        daemon = self.start()
        path = "/api/v1/queues/eu%2Fpayments"
        self.assertEqual(404, daemon.http("GET", path).status)
        created = daemon.http("PUT", path, {"maxMessages": 10, "overflow": "hold"})
        self.assertEqual((201, path), (created.status, created.headers["Location"]))
        self.assertEqual(200, daemon.http("PUT", path, {"maxMessages": 10, "overflow": "hold"}).status)
        conflict = daemon.http("PUT", path, {"maxMessages": 11})
        self.assertEqual((409, "application/problem+json"), (conflict.status, conflict.headers["Content-Type"]))
        self.assertIn("eu/payments", [item["name"] for item in daemon.http("GET", "/api/v1/queues").json()["items"]])
        for replayed in (None, "true"):
            purged = daemon.http("POST", path + "/purge", headers={"Idempotency-Key": "once"})
            self.assertEqual(({"purged": 0}, replayed), (purged.json(), purged.headers["Idempotency-Replayed"]))
        daemon.kill()
        daemon = self.start()
        self.assertEqual(10, daemon.http("GET", path).json()["maxMessages"])
        self.assertEqual(204, daemon.http("DELETE", path).status)
        daemon.kill()
        daemon = self.start()
        self.assertEqual(404, daemon.http("GET", path).status)

    def test_metrics_count_what_happens(self):
        daemon = self.start()
        before = daemon.http("GET", "/metrics")
        self.assertIn("text/plain; version=0.0.4", before.headers["Content-Type"])
        self.assertIn("\ngiromq_queues 1\n", before.body)
        daemon.http("PUT", "/api/v1/queues/q", {})
        self.assertIn("\ngiromq_queues 2\n", daemon.http("GET", "/metrics").body)
        self.assertIn('giromq_queue_messages{queue="q",state="ready"} 0', daemon.http("GET", "/metrics/queues").body)
        link = daemon.http("GET", "/metrics/queues?limit=1").headers["Link"]
        self.assertIn('{queue="q",', daemon.http("GET", link[1:link.index(">")]).body)


class ConfigurationTest(giromqd.DaemonTest):
    def test_definitions_are_exported_compared_and_applied(self):
        daemon = self.start()
        document = ('<definitions xmlns="urn:giromq:definitions:1"><queues><queue name="q" strict="true"/><queue name="temp-x"/></queues>'
                    '<users><user name="new" role="auditor"/></users>'
                    '<permissions><permission role="application" pattern="q" actions="send receive"/></permissions></definitions>')
        planned = daemon.http("POST", "/api/v1/configuration/diff", document).json()["changes"]
        self.assertEqual(["planned", "planned", "refused", "planned"], [change["outcome"] for change in planned])
        self.assertEqual(0, daemon.http("POST", "/api/v1/configuration/apply?dryRun=true", document).json()["done"])
        applied = daemon.http("POST", "/api/v1/configuration/apply", document).json()
        self.assertEqual((1, "invalid_name"), (applied["done"], applied["failed"]["code"]))
        self.assertEqual(["done", "refused", "refused", "skipped"], [change["outcome"] for change in applied["changes"]])
        exported = daemon.http("GET", "/api/v1/configuration/export")
        self.assertIn('<queue name="q" strict="true"/>', exported.body)
        self.assertEqual([], daemon.http("POST", "/api/v1/configuration/diff?prune=true", exported.body).json()["changes"])
        self.assertEqual(400, daemon.http("POST", "/api/v1/configuration/diff", "<nonsense/>").status)
        self.assertEqual(415, daemon.http("POST", "/api/v1/configuration/diff", {}).status)
        self.assertEqual([], daemon.http("POST", "/api/v1/configuration/reload").json()["needsRestart"])

    def test_what_was_applied_outlives_a_crash(self):
        daemon = self.start()
        queues = "".join(f'<queue name="q{each}" max-messages="{each}"/>' for each in range(1000))
        document = f'<definitions xmlns="urn:giromq:definitions:1"><queues>{queues}</queues></definitions>'
        self.assertEqual(1000, daemon.http("POST", "/api/v1/configuration/apply", document).json()["done"])
        daemon.kill()
        daemon = self.start()
        self.assertEqual([], daemon.http("POST", "/api/v1/configuration/diff", document).json()["changes"])


    def write_configuration(self, queues, selectors="", rest=""):
        return self.file("giromq.xml", f"""<giromq xmlns="urn:giromq:config:1">
  <amqp><listener port="0"/></amqp><http port="0"/>{rest}
  <queues>{queues}</queues><selectors>{selectors}</selectors>
</giromq>
""")

    def test_queues_and_selectors_are_taken_over_by_a_reload(self):
        self.file("red.sql", "colour = 'red'")
        red = '<selector name="red" file="red.sql"/>'
        config = self.write_configuration('<queue name="a"/><queue name="b"/>', red)
        daemon = self.start("--config", config, dev=False)
        admin = daemon.make_administrator()

        def limit(name):
            answer = daemon.http("GET", "/api/v1/queues/" + name, user=admin)
            return answer.json()["maxMessages"] if answer.status == 200 else None

        self.write_configuration('<queue name="a" max-messages="7"/><queue name="c" dead-letter-queue="d"/>', red,
                                 '<core memory="65MiB"/>')
        answer = daemon.http("POST", "/api/v1/configuration/reload", user=admin).json()
        self.assertEqual({"applied": ["queues"], "needsRestart": ["core"]}, answer)
        self.assertEqual((7, 0, 0, 0), (limit("a"), limit("b"), limit("c"), limit("d")))
        # By a signal, too; and what is wrong changes nothing, not even what comes before it.
        self.file("red.sql", "colour = 'dark red'")
        self.write_configuration('<queue name="a" max-messages="8"/>', red)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_log('applied="queues selectors" needs_restart=nothing')
        self.assertEqual(8, limit("a"))
        self.assertEqual("colour = 'dark red'", daemon.http("GET", "/api/v1/selectors/red", user=admin).json()["text"])
        self.file("wrong.sql", "colour = NULL")
        for queues, selectors in (('<queue name="a" max-messages="9"/><queue name="temp-x"/>', red),
                                  ('<queue name="a" max-messages="9"/>', '<selector name="wrong" file="wrong.sql"/>')):
            self.write_configuration(queues, selectors)
            answer = daemon.http("POST", "/api/v1/configuration/reload", user=admin)
            self.assertEqual((400, 8), (answer.status, limit("a")), answer.body)
        self.write_configuration('<queue name="a" max-messages="8"/>', red)
        self.assertEqual([], daemon.http("POST", "/api/v1/configuration/reload", user=admin).json()["applied"])
        lines = [item["action"] for item in daemon.http("GET", "/api/v1/audit", user=admin).json()["items"]]
        self.assertEqual(2, lines.count("queue.configure"))
        daemon.kill()
        daemon = self.start("--config", config, dev=False)
        self.assertEqual((8, 0, 0, 0), (limit("a"), limit("b"), limit("c"), limit("d")))

    def test_users_and_permissions_of_a_document_hold_together_or_not_at_all(self):
        daemon = self.start()
        daemon.http("PUT", "/api/v1/users/anna", {"role": "auditor", "password": "a long password 1"})
        self.assertEqual(0, daemon.stop())
        document = ('<definitions xmlns="urn:giromq:definitions:1"><queues><queue name="q"/></queues>'
                    '<users><user name="anna" role="operator"/></users>'
                    '<permissions><permission role="application" pattern="q" actions="send"/>'
                    '<permission user="anna" pattern="q" actions="purge"/></permissions></definitions>')
        for moment, left in (("written", 3), ("durable", 0)):
            daemon = self.start("--allow-failpoints", environment={"GIROMQ_FAILPOINT": "security." + moment})
            with self.assertRaises(OSError):
                daemon.http("POST", "/api/v1/configuration/apply", document)
            self.assertEqual(-signal.SIGKILL, daemon.wait())
            daemon = self.start()
            self.assertEqual(200, daemon.http("GET", "/api/v1/queues/q").status)
            self.assertEqual(left, len(daemon.http("POST", "/api/v1/configuration/diff", document).json()["changes"]))
            lines = [item["action"] for item in daemon.http("GET", "/api/v1/audit").json()["items"]]
            self.assertEqual((0, 0) if left else (1, 2), (lines.count("user.change"), lines.count("permission.grant")))
            self.assertTrue(daemon.http("GET", "/api/v1/audit/verify").json()["intact"])
            self.assertEqual(0, daemon.stop())


class UserTest(giromqd.DaemonTest):
    """A change of a user counts at once, also for those who are in already."""

    def start_with_users(self, *names):
        daemon = self.start(dev=False)
        self.admin = daemon.make_administrator()
        for name in names:
            self.put_user(daemon, name, role="application", password="correct horse 9")
        daemon.http("PUT", "/api/v1/queues/q", {}, user=self.admin)
        self.assertEqual(201, daemon.http("POST", "/api/v1/permissions", giromqd.GRANT_ALL, user=self.admin).status)
        return daemon

    def put_user(self, daemon, name, **change):
        self.assertIn(daemon.http("PUT", f"/api/v1/users/{name}", change, user=self.admin).status, (200, 201))

    def connect(self, daemon, name, password="correct horse 9"):
        return proton.utils.BlockingConnection(giromqd.amqp_url(daemon), timeout=30, user=name, password=password, allowed_mechs="PLAIN")

    def assert_ended(self, connection, words):
        with self.assertRaises(proton.ProtonException) as ended:
            connection.wait(lambda: False, timeout=30, msg="the connection is not ended")
        self.assertIn(words, str(ended.exception))

    @unittest.skipIf(proton is None, "python3-qpid-proton is not installed")
    def test_connections_of_a_changed_user_end_and_others_stay(self):
        daemon = self.start_with_users("ann", "bob")
        other = self.connect(daemon, "bob").create_sender("q")
        for change in ({"role": "administrator"}, {"role": "application", "password": "battery staple 9"}):
            connection = self.connect(daemon, "ann")
            connection.create_receiver("q")
            self.put_user(daemon, "ann", **change)
            self.assert_ended(connection, "was changed")
        with self.assertRaises(proton.ProtonException):
            self.connect(daemon, "ann")
        other.send(proton.Message(body="still here", durable=True))

    @unittest.skipIf(proton is None, "python3-qpid-proton is not installed")
    def test_connections_of_a_deleted_user_end(self):
        daemon = self.start_with_users("ann")
        connection = self.connect(daemon, "ann")
        connection.create_sender("q")
        self.assertEqual(204, daemon.http("DELETE", "/api/v1/users/ann", user=self.admin).status)
        self.assert_ended(connection, "was deleted")
        with self.assertRaises(proton.ProtonException):
            self.connect(daemon, "ann")

    def test_a_user_changes_the_own_password_for_good(self):
        daemon = self.start_with_users("ann")
        old, new = ("ann", "correct horse 9"), ("ann", "battery staple 9")
        seen = daemon.http("GET", "/api/v1/users/ann", user=self.admin).headers["ETag"]
        path, change = "/api/v1/session/password", {"current": old[1], "new": new[1]}
        self.assertEqual(403, daemon.http("PUT", path, {**change, "current": "a guess 1"}, user=old).status)
        self.assertEqual(400, daemon.http("PUT", path, {**change, "new": "short 1"}, user=old).status)
        self.assertEqual(204, daemon.http("PUT", path, change, user=old).status)
        daemon.kill()
        daemon = self.start(dev=False)
        self.assertEqual(401, daemon.http("GET", "/api/v1/session", user=old).status)
        self.assertEqual("application", daemon.http("GET", "/api/v1/session", user=new).json()["role"])
        role = {"role": "auditor"}
        self.assertEqual(412, daemon.http("PUT", "/api/v1/users/ann", role, user=self.admin, headers={"If-Match": seen}).status)
        seen = daemon.http("GET", "/api/v1/users/ann", user=self.admin).headers["ETag"]
        self.assertEqual(200, daemon.http("PUT", "/api/v1/users/ann", role, user=self.admin, headers={"If-Match": seen}).status)

    def test_an_open_http_connection_asks_for_the_password_each_time(self):
        daemon = self.start_with_users("ann")
        login = {"Authorization": "Basic YW5uOmNvcnJlY3QgaG9yc2UgOQ=="}  # ann:correct horse 9
        kept = http.client.HTTPConnection("127.0.0.1", daemon.port("http"), timeout=30)

        def status(method, path, body=None):
            headers = {**login, "Content-Type": "application/json"} if body else login
            kept.request(method, path, body=body, headers=headers)
            answer = kept.getresponse()
            answer.read()
            return answer.status

        self.assertEqual(403, status("GET", "/api/v1/overview"))
        self.put_user(daemon, "ann", role="administrator")
        self.assertEqual(200, status("GET", "/api/v1/overview"))
        self.put_user(daemon, "ann", role="application")
        self.assertEqual(403, status("PUT", "/api/v1/users/ann", json.dumps({"role": "administrator"})))
        self.assertEqual(200, status("GET", "/metrics"))
        self.assertEqual(204, daemon.http("DELETE", "/api/v1/users/ann", user=self.admin).status)
        self.assertEqual(401, status("GET", "/metrics"))
        kept.close()


class HttpTest(giromqd.DaemonTest):
    def status(self, answer):
        return int(answer.split(b" ", 2)[1]) if answer else None

    def test_a_connection_serves_many_requests(self):
        daemon = self.start()
        two = b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n" + b"HEAD /livez HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        answer = daemon.raw(two)
        self.assertEqual(2, answer.count(b"HTTP/1.1 200 OK"))
        self.assertEqual(1, answer.count(b"\r\n\r\nlive\n"))
        self.assertEqual(2, answer.count(b"X-Content-Type-Options: nosniff"))
        self.assertNotIn(b"Access-Control", answer)

    def test_malformed_requests_are_refused(self):
        daemon = self.start()
        close = b"Connection: close\r\n\r\n"
        cases = {
            b"NONSENSE\r\n\r\n": 400,
            b"GET /livez HTTP/2.0\r\n" + HOST + b"\r\n": 505,
            b"GET /livez HTTP/1.1\r\n" + close: 400,
            b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n" + close: 400,
            b"GET /livez HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 9000 + b"\r\n\r\n": 431,
            b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n": 431,
            b"PUT /api/v1/queues/q HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nContent-Length: 70000\r\n\r\n": 413,
            b"PUT /api/v1/queues/q HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n": 400,
            b"PUT /api/v1/queues/q HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}": 400,
            b"PUT /api/v1/queues/q HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}": 400,
            b"PUT /api/v1/queues/q HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n": 400,
            b"TRACE / HTTP/1.1\r\n" + HOST + close: 405,
            b"CONNECT example.org:80 HTTP/1.1\r\n" + HOST + close: 405,
            b"GET http://example.org/ HTTP/1.1\r\n" + HOST + close: 400,
            b"GET /../etc/passwd HTTP/1.1\r\n" + HOST + close: 400,
            b"GET /livez HTTP/1.1\r\nHost: evil.example\r\n" + close: 421,
            b"GET /livez HTTP/1.1\r\n" + HOST + b"Origin: http://evil.example\r\n" + close: 403,
        }
        for request, expected in cases.items():
            self.assertEqual(expected, self.status(daemon.raw(request)), request[:100])
        self.assertEqual(200, daemon.http("GET", "/readyz").status)

    def test_a_body_without_end_is_cut_at_the_limit(self):
        daemon = self.start()
        chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
        request = (b"PUT /api/v1/queues/q HTTP/1.1\r\n" + HOST +
                   b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 64)
        self.assertEqual(413, self.status(daemon.raw(request)))

    def test_a_client_that_waits_for_permission_gets_it(self):
        daemon = self.start()
        with socket.create_connection(("127.0.0.1", daemon.port("http")), timeout=20) as client:
            client.sendall(b"PUT /api/v1/queues/q HTTP/1.1\r\n" + HOST +
                           b"Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
            self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 100 "))
            client.sendall(b"{}")
            self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 201 "))

    def test_idle_connections_hold_nobody_up(self):
        daemon = self.start()
        idle = [socket.create_connection(("127.0.0.1", daemon.port("http")), timeout=20) for _ in range(250)]
        try:
            for client in idle:
                client.sendall(b"GET /livez HTTP/1.1\r\nHo")
            self.assertEqual(200, daemon.http("GET", "/readyz").status)
            # One address gets so many connections and no more.
            more = [socket.create_connection(("127.0.0.1", daemon.port("http")), timeout=20) for _ in range(40)]
            refused = 0
            for client in more:
                client.settimeout(0.5)
                try:
                    refused += client.recv(1) == b""
                except TimeoutError:
                    pass
                except ConnectionResetError:
                    refused += 1
                client.close()
            self.assertGreater(refused, 0)
        finally:
            for client in idle:
                client.close()
        begun = time.monotonic()
        self.assertEqual(0, daemon.stop())
        self.assertLess(time.monotonic() - begun, 15)


if __name__ == "__main__":
    giromqd.main()
