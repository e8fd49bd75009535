"""SASL: mechanisms, right and wrong passwords."""

import unittest

from proton import Message

from fixture import Disconnected, InteropTest

PASSWORD = "correct horse battery"


class Login(InteropTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        status, answer = cls.broker.rest("PUT", "/api/v1/users/tester", {"role": "application", "password": PASSWORD})
        assert 200 <= status < 300, f"creating a user: {status} {answer}"

    def works(self, **options):
        client = self.client(**options)
        self.send_all(client, ["in"])
        self.assertEqual(self.drained(client), ["in"])

    def refused(self, **options):
        with self.assertRaises(Disconnected) as failure:
            self.client(**options)
        self.assertIn("amqp:unauthorized-access", str(failure.exception))

    def test_scram_sha_256_with_the_right_password_is_let_in(self):
        self.works(user="tester", password=PASSWORD, mechanisms="SCRAM-SHA-256")

    def test_plain_with_the_right_password_is_let_in_from_loopback(self):
        self.works(user="tester", password=PASSWORD, mechanisms="PLAIN")

    def test_a_wrong_password_is_refused(self):
        for mechanism in ("SCRAM-SHA-256", "PLAIN"):
            with self.subTest(mechanism):
                self.refused(user="tester", password="wrong horse", mechanisms=mechanism)

    def test_an_unknown_user_is_refused_in_the_same_way(self):
        for mechanism in ("SCRAM-SHA-256", "PLAIN"):
            with self.subTest(mechanism):
                self.refused(user="nobody", password=PASSWORD, mechanisms=mechanism)

    def test_an_empty_password_is_refused(self):
        self.refused(user="tester", password="", mechanisms="PLAIN")

    def test_users_survive_a_crash_and_changed_passwords_count(self):
        status, _ = self.broker.rest("PUT", "/api/v1/users/changing", {"role": "application", "password": "the first password"})
        self.assertTrue(200 <= status < 300, status)
        status, _ = self.broker.rest("PUT", "/api/v1/users/changing", {"role": "application", "password": "the second password"})
        self.assertTrue(200 <= status < 300, status)
        self.broker.kill()
        self.broker.start()
        self.works(user="changing", password="the second password", mechanisms="SCRAM-SHA-256")
        self.refused(user="changing", password="the first password", mechanisms="SCRAM-SHA-256")

    def test_a_mechanism_that_is_not_offered_gets_no_further(self):
        with self.assertRaises(Disconnected):
            self.client(user="tester", password=PASSWORD, mechanisms="CRAM-MD5")

    def test_a_login_is_not_needed_where_anonymous_is_allowed(self):
        client = self.client()
        client.send(client.sender(self.queue), Message(body="x", durable=True))


if __name__ == "__main__":
    unittest.main()
