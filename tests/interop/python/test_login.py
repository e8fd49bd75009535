"""SASL: mechanisms, right and wrong passwords."""

import unittest

from proton import Message

import cyrus_sasl
from fixture import Disconnected, InteropTest

PASSWORD = "correct horse battery 9"
GRANT_ALL = {"grantee": {"kind": "role", "name": "application"}, "pattern": "#",
             "actions": ["send", "receive", "browse", "read-body", "create"]}


class Login(InteropTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        status, answer = cls.broker.rest("PUT", "/api/v1/users/tester", {"role": "application", "password": PASSWORD})
        assert 200 <= status < 300, f"creating a user: {status} {answer}"
        status, answer = cls.broker.rest("POST", "/api/v1/permissions", GRANT_ALL)
        assert status == 201, f"granting: {status} {answer}"

    def works(self, **options):
        client = self.client(**options)
        self.send_all(client, ["in"])
        self.assertEqual(self.drained(client), ["in"])

    def refused(self, **options):
        with self.assertRaises(Disconnected) as failure:
            self.client(**options)
        self.assertIn("amqp:unauthorized-access", str(failure.exception))

    def scram(self, user, password):
        library = cyrus_sasl.load()
        if library is None:
            self.skipTest("libsasl2 is not installed")
        return cyrus_sasl.log_in(library, self.broker.port, user, password)

    def test_scram_sha_256_with_the_right_password_is_let_in(self):
        self.assertEqual(self.scram("tester", PASSWORD), 0)

    def test_scram_sha_256_with_a_wrong_password_or_user_is_refused(self):
        for user, password in (("tester", "wrong horse"), ("nobody", PASSWORD), ("tester", "")):
            with self.subTest(user=user, password=password):
                self.assertEqual(self.scram(user, password), 1)

    def test_plain_with_the_right_password_is_let_in_from_loopback(self):
        self.works(user="tester", password=PASSWORD, mechanisms="PLAIN")

    def test_a_wrong_password_is_refused(self):
        self.refused(user="tester", password="wrong horse", mechanisms="PLAIN")

    def test_an_unknown_user_is_refused_in_the_same_way(self):
        self.refused(user="nobody", password=PASSWORD, mechanisms="PLAIN")

    def test_an_empty_password_is_refused(self):
        self.refused(user="tester", password="", mechanisms="PLAIN")

    def test_users_survive_a_crash_and_changed_passwords_count(self):
        status, _ = self.broker.rest("PUT", "/api/v1/users/changing", {"role": "application", "password": "the first password 1"})
        self.assertTrue(200 <= status < 300, status)
        status, _ = self.broker.rest("PUT", "/api/v1/users/changing", {"role": "application", "password": "the second password 2"})
        self.assertTrue(200 <= status < 300, status)
        self.broker.kill()
        self.broker.start()
        self.works(user="changing", password="the second password 2", mechanisms="PLAIN")
        self.refused(user="changing", password="the first password 1", mechanisms="PLAIN")
        self.assertEqual(self.scram("changing", "the second password 2"), 0)
        self.assertEqual(self.scram("changing", "the first password 1"), 1)

    def test_a_mechanism_that_is_not_offered_gets_no_further(self):
        with self.assertRaises(Disconnected):
            self.client(user="tester", password=PASSWORD, mechanisms="CRAM-MD5")

    def test_a_login_is_not_needed_where_anonymous_is_allowed(self):
        client = self.client()
        client.send(client.sender(self.queue), Message(body="x", durable=True))


class WithoutDevelopmentMode(InteropTest):
    """The built-in configuration: no anonymous users, and a first administrator, made by the token that is in a file."""

    arguments = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token = cls.broker.data / "first-login-token"
        cls.token_mode = cls.token.stat().st_mode & 0o777
        cls.administrator = ("admin", PASSWORD)
        cls.first = {"token": cls.token.read_text().strip(), "user": "admin", "password": PASSWORD}
        status, answer = cls.broker.rest("POST", "/api/v1/session", cls.first)
        assert status == 200, f"the first administrator: {status} {answer}"
        for target, body in (("/api/v1/users/payer", {"role": "application", "password": PASSWORD}), ("/api/v1/queues/closed.queue", {})):
            status, answer = cls.broker.rest("PUT", target, body, *cls.administrator)
            assert 200 <= status < 300, f"{target}: {status} {answer}"
        status, answer = cls.broker.rest("POST", "/api/v1/permissions", GRANT_ALL, *cls.administrator)
        assert status == 201, f"granting: {status} {answer}"

    def test_the_token_is_for_its_owner_only_and_for_once(self):
        self.assertEqual(self.token_mode, 0o600)
        self.assertEqual(self.broker.rest("POST", "/api/v1/session", self.first)[0], 401)

    def test_anonymous_is_refused(self):
        with self.assertRaises(Disconnected):
            self.client()

    def test_an_application_sends_and_receives(self):
        client = self.client(user="payer", password=PASSWORD)
        self.send_all(client, ["in"], "closed.queue")
        self.assertEqual(self.drained(client, "closed.queue"), ["in"])

    def test_rest_wants_a_login_and_an_administrator(self):
        self.assertEqual(self.broker.rest("GET", "/api/v1/queues")[0], 401)
        self.assertEqual(self.broker.rest("GET", "/api/v1/queues", None, "admin", "wrong password")[0], 401)
        body = {"role": "administrator", "password": PASSWORD}
        self.assertEqual(self.broker.rest("PUT", "/api/v1/users/mallory", body, "payer", PASSWORD)[0], 403)
        self.assertEqual(self.broker.rest("DELETE", "/api/v1/queues/closed.queue", None, "payer", PASSWORD)[0], 403)
        self.assertEqual(self.broker.rest("GET", "/api/v1/queues", None, *self.administrator)[0], 200)

    def test_health_needs_no_login(self):
        self.assertEqual(self.broker.rest("GET", "/livez")[0], 200)
        self.assertEqual(self.broker.rest("GET", "/readyz")[0], 200)


if __name__ == "__main__":
    unittest.main()
