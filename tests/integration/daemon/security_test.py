"""What others have tried with brokers and consoles, against a running giromqd: each lesson of published vulnerabilities once."""

import base64
import json
import os
import re
import socket
import sqlite3
import subprocess
import time
import unittest

import giromqd

try:
    import proton
    import proton.reactor
    import proton.utils
except ImportError:
    proton = None

TOOL = os.path.join(os.path.dirname(giromqd.PROGRAM), "giromq")
PASSWORD = "correct horse 9"
ROLES = ("administrator", "operator", "auditor", "application")
SCRIPT = "<script>alert(1)</script>"


class SecuredTest(giromqd.DaemonTest):
    """A broker that lets nobody in unknown, with one user of each role, who is named after it."""

    def secured(self, *arguments):
        daemon = self.start(*arguments, dev=False)
        self.admin = daemon.make_administrator("administrator", PASSWORD)
        for role in ROLES[1:]:
            self.put(daemon, f"users/{role}", {"role": role, "password": PASSWORD})
        self.put(daemon, "queues/mine", {})
        self.put(daemon, "queues/other", {})
        return daemon

    def put(self, daemon, path, body):
        answer = daemon.http("PUT", f"/api/v1/{path}", body, user=self.admin)
        self.assertIn(answer.status, (200, 201), answer.body)

    def grant(self, daemon, user, pattern, *actions):
        permission = {"grantee": {"kind": "user", "name": user}, "pattern": pattern, "actions": list(actions)}
        answer = daemon.http("POST", "/api/v1/permissions", permission, user=self.admin)
        self.assertEqual(201, answer.status, answer.body)
        return answer.json()["id"]

    def log_in(self, daemon, user="administrator", headers=None):
        answer = daemon.http("POST", "/api/v1/session", {"user": user, "password": PASSWORD}, headers=headers)
        self.assertEqual(200, answer.status, answer.body)
        return answer.headers["Set-Cookie"].split(";")[0], answer.json()["csrfToken"]


class PermissionTest(SecuredTest):
    # What each role may do: method, path, body, and the roles that are let in.
    ROUTES = (
        ("GET", "overview", None, ROLES[:3]),
        ("GET", "queues", None, ROLES[:3]),
        ("GET", "queues/mine", None, ROLES[:3]),
        ("GET", "connections", None, ROLES[:3]),
        ("GET", "transactions", None, ROLES[:3]),
        ("GET", "users", None, ("administrator", "auditor")),
        ("GET", "permissions", None, ("administrator", "auditor")),
        ("GET", "audit", None, ("administrator", "auditor")),
        ("GET", "audit/verify", None, ("administrator", "auditor")),
        ("GET", "queues/mine/messages", None, ROLES[:2]),
        ("POST", "queues/mine/messages", {"body": {"kind": "text", "text": "x"}}, ROLES[:2]),
        ("POST", "queues/mine/messages/move", {"all": True, "to": "other", "dryRun": True}, ROLES[:2]),
        ("POST", "queues/mine/messages/delete", {"all": True, "dryRun": True}, ROLES[:2]),
        ("POST", "queues/mine/pause", {"send": False}, ROLES[:2]),
        ("POST", "queues/mine/purge", None, ROLES[:2]),
        ("DELETE", "connections/999", None, ROLES[:2]),
        ("PUT", "queues/another", {}, ROLES[:1]),
        ("DELETE", "queues/another", None, ROLES[:1]),
        ("PUT", "users/eve", {"role": "administrator", "password": PASSWORD}, ROLES[:1]),
        ("DELETE", "users/eve", None, ROLES[:1]),
        ("DELETE", "permissions/1", None, ROLES[:1]),
        ("PUT", "selectors/s", {"text": "a = 1"}, ROLES[:1]),
        ("POST", "backup", {"file": "one.db"}, ROLES[:1]),
    )

    def test_each_role_may_do_over_rest_what_it_says_and_nothing_else(self):
        daemon = self.secured()
        for method, path, body, allowed in self.ROUTES:
            for role in reversed(ROLES):
                status = daemon.http(method, f"/api/v1/{path}", body, user=(role, PASSWORD)).status
                self.assertEqual(role not in allowed, status == 403, f"{role}: {method} {path} -> {status}")
        refused = daemon.http("GET", "/api/v1/audit?outcome=refused&action=access", user=self.admin).json()["items"]
        self.assertIn(("application", "GET /api/v1/overview"), {(one["user"], one["object"]) for one in refused})

    @unittest.skipIf(proton is None, "python3-qpid-proton is not installed")
    def test_a_permission_opens_the_same_over_amqp_and_rest_and_closes_it(self):
        daemon = self.secured()

        def may(user):
            """The letters of what is let in: send and receive over AMQP, the same asked of REST, sending over REST."""
            letters = ""
            connection = proton.utils.BlockingConnection(giromqd.amqp_url(daemon), timeout=30, user=user, password=PASSWORD)
            for letter, attach in (("s", lambda: connection.create_sender("mine")), ("r", lambda: connection.create_receiver("mine"))):
                try:
                    attach()
                    letters += letter
                except proton.utils.LinkDetached:
                    pass
            connection.close()
            for action in ("send", "receive"):
                path = f"/api/v1/permissions/check?user={user}&action={action}&destination=mine"
                letters += action[0].upper() if daemon.http("GET", path, user=self.admin).json()["allowed"] else ""
            message = {"body": {"kind": "text", "text": "x"}}
            sent = daemon.http("POST", "/api/v1/queues/mine/messages", message, user=(user, PASSWORD))
            return letters + ("p" if sent.status == 201 else "")

        self.assertEqual(["srSRp", "sSp", "", ""], [may(role) for role in ROLES])
        send = self.grant(daemon, "application", "mine", "send")
        self.grant(daemon, "auditor", "#", "send", "receive")
        self.assertEqual(["sSp", ""], [may("application"), may("auditor")])
        receive = self.grant(daemon, "application", "*", "receive")
        self.assertEqual("srSRp", may("application"))
        for permission in (send, receive):
            self.assertEqual(204, daemon.http("DELETE", f"/api/v1/permissions/{permission}", user=self.admin).status)
        self.assertEqual("", may("application"))


class PageTest(SecuredTest):
    """What a page of another site, or a name that somebody has chosen, can do to who looks at the console."""

    def test_a_page_of_another_site_cannot_use_a_session(self):
        daemon = self.secured()
        cookie, token = self.log_in(daemon)
        own, foreign = f"http://{daemon.address['http']}", "http://evil.example"

        def purge(**headers):
            return daemon.http("POST", "/api/v1/queues/mine/purge", headers={"Cookie": cookie, **headers}).status

        self.assertEqual(200, purge(**{"X-CSRF-Token": token, "Origin": own}))
        self.assertEqual(403, purge(Origin=own))
        self.assertEqual(403, purge(**{"X-CSRF-Token": token[:-1] + "x"}))
        self.assertEqual(403, purge(**{"X-CSRF-Token": token, "Origin": foreign}))
        self.assertEqual(403, purge(**{"X-CSRF-Token": token, "Origin": "null"}))
        self.assertEqual(403, purge(**{"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"}))
        # What a form could send, and a login that a foreign page tries.
        form = {"Cookie": cookie, "X-CSRF-Token": token, "Content-Type": "text/plain", "Content-Length": "2"}
        self.assertEqual(415, self.raw_status(daemon, "POST", "/api/v1/queues/mine/messages", form, b"{}"))
        login = daemon.http("POST", "/api/v1/session", {"user": "administrator", "password": PASSWORD}, headers={"Origin": foreign})
        self.assertEqual((403, None), (login.status, login.headers["Set-Cookie"]))
        # Nobody else's page may read anything.
        answer = daemon.http("GET", "/api/v1/queues", headers={"Cookie": cookie, "Origin": own})
        self.assertFalse([name for name in answer.headers if name.lower().startswith("access-control-")])
        self.assertEqual(405, self.raw_status(daemon, "OPTIONS", "/api/v1/queues", {"Origin": foreign}))

    def test_a_session_cannot_be_planted_and_is_in_no_page_s_reach(self):
        daemon = self.secured()
        planted = "__Host-giromq=" + base64.urlsafe_b64encode(b"x" * 32).decode().rstrip("=")
        cookie, _ = self.log_in(daemon, headers={"Cookie": planted})
        self.assertNotEqual(planted, cookie)
        self.assertEqual(401, daemon.http("GET", "/api/v1/queues", headers={"Cookie": planted}).status)
        again, token = self.log_in(daemon, headers={"Cookie": cookie})
        self.assertNotEqual(cookie, again)
        self.assertEqual(401, daemon.http("GET", "/api/v1/queues", headers={"Cookie": cookie}).status, "the one before has ended")
        attributes = daemon.http("POST", "/api/v1/session", {"user": "operator", "password": PASSWORD}).headers["Set-Cookie"]
        for attribute in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(attribute, attributes)
        self.assertEqual(204, daemon.http("DELETE", "/api/v1/session", headers={"Cookie": again, "X-CSRF-Token": token}).status)
        self.assertEqual(401, daemon.http("GET", "/api/v1/queues", headers={"Cookie": again}).status)

    def test_a_page_of_another_site_gets_no_web_socket(self):
        daemon = self.secured()
        cookie, _ = self.log_in(daemon)
        handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                     "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode()}

        def status(**headers):
            return self.raw_status(daemon, "GET", "/api/v1/events", {**handshake, **headers})

        own = f"http://{daemon.address['http']}"
        self.assertEqual(101, status(Cookie=cookie, Origin=own))
        self.assertEqual(403, status(Cookie=cookie, Origin="http://evil.example"))
        self.assertEqual(403, status(Cookie=cookie))
        self.assertEqual(401, status(Origin=own))

    @unittest.skipIf(proton is None, "python3-qpid-proton is not installed")
    def test_names_and_bodies_that_others_choose_are_never_a_page(self):
        daemon = self.secured()
        queue = "/api/v1/queues/" + "%3Cimg%20src=x%20onerror=alert(1)%3E"
        answers = [daemon.http("PUT", queue, {}, user=self.admin), daemon.http("GET", queue, user=self.admin),
                   daemon.http("GET", "/api/v1/queues/%3Cscript%3Ealert(1)%3C%2Fscript%3E", user=self.admin),
                   daemon.http("GET", f"/api/v1/queues?name={SCRIPT}", user=self.admin)]
        message = {"correlationId": SCRIPT, "type": SCRIPT, "contentType": "text/html", "body": {"kind": "text", "text": SCRIPT},
                   "properties": [{"name": "x", "type": "string", "value": SCRIPT}]}
        sent = daemon.http("POST", "/api/v1/queues/mine/messages", message, user=self.admin)
        self.assertEqual(201, sent.status, sent.body)
        path = "/api/v1/queues/mine/messages/" + sent.json()["id"]
        self.grant(daemon, "application", "mine", "receive")
        container = proton.reactor.Container()
        container.container_id = SCRIPT
        connection = proton.utils.BlockingConnection(giromqd.amqp_url(daemon), timeout=30, container=container, user="application",
                                                     password=PASSWORD)
        connection.create_receiver("mine", name=SCRIPT, credit=0)
        answers += [daemon.http("GET", target, user=self.admin) for target in
                    (path, "/api/v1/queues/mine/messages", "/api/v1/connections", "/api/v1/consumers", "/api/v1/audit")]
        self.assertIn(SCRIPT, answers[-3].body)
        connection.close()
        for answer in answers:
            self.assertIn(answer.headers["Content-Type"], ("application/json", "application/problem+json"))
            self.assertEqual("nosniff", answer.headers["X-Content-Type-Options"])
        body = daemon.http("GET", path + "/body", user=self.admin)
        self.assertEqual("nosniff", body.headers["X-Content-Type-Options"])
        self.assertTrue(body.headers["Content-Disposition"].startswith("attachment"), body.headers["Content-Disposition"])
        self.assertNotIn("html", body.headers["Content-Type"])

    def raw_status(self, daemon, method, target, headers, body=b""):
        with socket.create_connection(("127.0.0.1", daemon.port("http")), timeout=20) as client:
            lines = [f"{method} {target} HTTP/1.1", f"Host: {daemon.address['http']}"]
            lines += [f"{name}: {text}" for name, text in headers.items()]
            client.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            return int(client.recv(4096).split(b" ")[1])


class InputTest(SecuredTest):
    def test_paths_lead_nowhere_else(self):
        daemon = self.secured()
        with open(os.path.join(daemon.data, "giromq.lock"), "rb") as lock:
            secret = lock.read()
        for target in ("/../../etc/passwd", "/console/../../../etc/passwd", "/console/%2e%2e/%2e%2e/etc/passwd",
                       "/console/..%2f..%2fetc/passwd", "/console/assets/%00", "/console//etc/passwd",
                       "/console/..\\..\\giromq.lock", "/api/v1/../../giromq.lock",
                       "/api/v1/queues/..%2f..%2fetc%2fpasswd"):
            answer = daemon.raw(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            self.assertNotIn(b"root:", answer, target)
            self.assertNotIn(secret, answer, target)
        for file in ("../outside.db", "/tmp/outside.db", "..", ".hidden", "a/b", "a\u0000b", ""):
            self.assertEqual(400, daemon.http("POST", "/api/v1/backup", {"file": file}, user=self.admin).status, file)
        # No operation takes an address to fetch something from, or a name to make something of.
        for body in ({"file": "x.db", "url": "http://evil.example"}, {"file": {"class": "x"}}):
            self.assertEqual(400, daemon.http("POST", "/api/v1/backup", body, user=self.admin).status, body)

    def test_who_is_not_logged_in_can_send_little(self):
        daemon = self.secured()
        sasl = b"AMQP\x03\x01\x00\x00"
        for garbage in (b"\x7f\xff\xff\xff\x02\x01\x00\x00", b"\x00\x01\x00\x00\x02\x01\x00\x00" + b"\xff" * 70_000,
                        b"GET / HTTP/1.1\r\n\r\n" * 4000, b"\x00\x00\x00\x08\x02\x01\x00\x00" * 10_000):
            with socket.create_connection(("127.0.0.1", daemon.port("amqp")), timeout=20) as client:
                try:
                    client.sendall(sasl + garbage)
                    while client.recv(65536):
                        pass
                except ConnectionError:
                    pass  # cut while it was still sending
        headers = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 1000) for number in range(100))
        self.assertIn(b" 431 ", daemon.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n").split(b"\r\n")[0])
        deep = b'{"a":' * 2000 + b"1" + b"}" * 2000
        head = (b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n")
        self.assertIn(b" 400 ", daemon.raw(head % len(deep) + deep).split(b"\r\n")[0])
        self.assertEqual(200, daemon.http("GET", "/readyz").status)


class GuessTest(SecuredTest):
    @unittest.skipIf(proton is None, "python3-qpid-proton is not installed")
    def test_who_guesses_is_locked_over_both_protocols_and_cannot_fill_the_audit(self):
        daemon = self.secured()

        def status(password):
            return daemon.http("GET", "/api/v1/session", user=("operator", password)).status

        wrong = [daemon.http("GET", "/api/v1/session", user=(user, "a guess 1")).body for user in ("operator", "nobody")]
        self.assertEqual(wrong[0], wrong[1], "a user that there is not is refused in the same words")
        give_up_at = time.monotonic() + 60
        while 'for="4 s"' not in daemon.logged():  # long enough for what follows
            self.assertEqual(401, status("a guess 1"))
            self.assertLess(time.monotonic(), give_up_at)
            time.sleep(0.02)
        self.assertEqual(401, status(PASSWORD), "locked, with the right one, too")
        with self.assertRaises(proton.ProtonException):
            proton.utils.BlockingConnection(giromqd.amqp_url(daemon), timeout=30, user="operator", password=PASSWORD,
                                            allowed_mechs="PLAIN")
        stays = daemon.http("GET", "/api/v1/session", user=self.admin)
        self.assertEqual(200, stays.status, "who was in before is not locked out by others")
        lines = daemon.http("GET", "/api/v1/audit?action=login&outcome=refused&limit=1000", user=self.admin).json()["items"]
        self.assertTrue(20 <= len(lines) <= 30, len(lines))
        everything = json.dumps(lines) + daemon.logged()
        self.assertNotIn("a guess", everything)
        self.assertNotIn(PASSWORD, everything)

    @unittest.skipIf(proton is None, "python3-qpid-proton is not installed")
    def test_requests_and_connections_have_their_limits(self):
        config = self.file("limits.xml", """<giromq xmlns="urn:giromq:config:1">
  <amqp connections-per-user-max="2"><listener port="0"/></amqp> <http port="0" requests-per-second-max="3"/>
</giromq>
""")
        daemon = self.secured("--config", config)
        self.grant(daemon, "application", "mine", "send")

        def connect():
            return proton.utils.BlockingConnection(giromqd.amqp_url(daemon), timeout=30, user="application", password=PASSWORD)

        first, second = connect(), connect()
        with self.assertRaises(proton.ProtonException) as refused:
            connect().create_sender("mine")
        self.assertIn("resource-limit-exceeded", str(refused.exception))
        second.close()
        connect().create_sender("mine")
        first.create_sender("mine")
        answers = [daemon.http("GET", "/livez") for _ in range(60)]
        refusals = [answer for answer in answers if answer.status == 429]
        self.assertTrue(refusals)
        self.assertEqual({"1"}, {answer.headers["Retry-After"] for answer in refusals})


class AuditTest(SecuredTest):
    def test_the_audit_outlives_a_kill_and_shows_what_was_changed_in_it(self):
        daemon = self.secured()
        daemon.kill()
        daemon = self.start(dev=False)
        verified = daemon.http("GET", "/api/v1/audit/verify", user=self.admin).json()
        self.assertTrue(verified["intact"])
        password = self.file("admin", PASSWORD + "\n")
        tool = [TOOL, "--http", f"http://{daemon.address['http']}", "--user", "administrator", "--password-file", password, "audit"]
        shown = subprocess.run([*tool, "list", "--json", "--count", "1000"], capture_output=True, text=True, check=True).stdout
        actions = [json.loads(line)["action"] for line in shown.splitlines()]
        self.assertEqual((2, 0), (actions.count("broker.start"), actions.count("broker.stop")))
        self.assertEqual(2, actions.count("queue.create"))
        table = subprocess.run([*tool, "list", "--action", "user.", "--count", "1"], capture_output=True, text=True, check=True).stdout
        self.assertRegex(table, r"(?s)^NUMBER .*application")
        self.assertIn("Intact: ", subprocess.run([*tool, "verify"], capture_output=True, text=True, check=True).stdout)
        self.assertEqual(0, daemon.stop())
        self.assertEqual(0, self.run_program("--check", "--data", daemon.data).returncode)
        store = sqlite3.connect(os.path.join(daemon.data, "giromq.db"))
        with self.assertRaises(sqlite3.Error):
            store.execute("UPDATE audit SET actor = 'nobody' WHERE number = 3")
        store.executescript("DROP TRIGGER audit_is_never_changed; UPDATE audit SET actor = 'nobody' WHERE number = 3;")
        store.close()
        checked = self.run_program("--check", "--data", daemon.data)
        self.assertNotEqual(0, checked.returncode)
        self.assertIn("record 3 of the audit", checked.stderr)
        daemon = self.start(dev=False)
        tool[2] = f"http://{daemon.address['http']}"
        found = subprocess.run([*tool, "verify"], capture_output=True, text=True, check=False)
        self.assertEqual((1, True), (found.returncode, "record 3" in found.stdout))


if __name__ == "__main__":
    giromqd.main()
