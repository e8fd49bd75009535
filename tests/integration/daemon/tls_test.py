"""TLS of a running giromqd: certificates, their change while it runs, and clients that have one."""

import os
import shutil
import signal
import socket
import ssl
import time
import unittest
import warnings

import giromqd

try:
    import proton
    import proton.utils
except ImportError:
    proton = None


class TlsTest(giromqd.DaemonTest):
    def start_tls(self, tls="", listener="", sasl=""):
        daemon = self.start("--config", self.write_config(tls, listener, sasl), dev=False)
        self.context = ssl.create_default_context(cafile=self.certificate)
        return daemon

    def write_config(self, tls="", listener="", sasl=""):
        self.certificate, self.key = self.make_certificate("server", "localhost")
        return self.file("giromq.xml", f"""<giromq xmlns="urn:giromq:config:1">
  <amqp><listener host="127.0.0.1" port="0" tls="true" {listener}/></amqp>
  <tls certificate-file="{self.certificate}" private-key-file="{self.key}" reload-interval="1s" {tls}/>
  {sasl}
  <http host="127.0.0.1" port="0" tls="true"/>
  <core create-queues="true"/>
</giromq>
""")

    def test_http_and_amqp_are_encrypted(self):
        daemon = self.start_tls()
        self.assertRegex(daemon.line, r"amqps=127\.0\.0\.1:\d+ https=127\.0\.0\.1:\d+")
        response = daemon.http("GET", "/readyz", tls=self.context)
        self.assertEqual((200, True), (response.status, "Strict-Transport-Security" in response.headers))
        with socket.create_connection(("127.0.0.1", daemon.port("amqps")), timeout=20) as plain:
            with self.context.wrap_socket(plain, server_hostname="127.0.0.1") as client:
                self.assertIn(client.version(), ("TLSv1.2", "TLSv1.3"))
                client.sendall(b"AMQP\x03\x01\x00\x00")
                self.assertEqual(b"AMQP\x03\x01\x00\x00", client.recv(8))

    def test_old_versions_and_weak_ciphers_are_refused(self):
        daemon = self.start_tls()
        for limit in ({"maximum": ssl.TLSVersion.TLSv1_1}, {"maximum": ssl.TLSVersion.TLSv1_2, "ciphers": "AES128-SHA256:@SECLEVEL=0"}):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.set_ciphers(limit.get("ciphers", "ALL:@SECLEVEL=0"))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they are old on purpose
                context.maximum_version = limit["maximum"]
            for kind in ("amqps", "https"):
                with socket.create_connection(("127.0.0.1", daemon.port(kind)), timeout=20) as plain:
                    with self.assertRaises((ssl.SSLError, ConnectionError)):
                        context.wrap_socket(plain)

    def test_a_client_without_tls_gets_nothing(self):
        daemon = self.start_tls()
        with socket.create_connection(("127.0.0.1", daemon.port("amqps")), timeout=20) as client:
            client.sendall(b"AMQP\x03\x01\x00\x00")
            try:
                self.assertNotIn(b"AMQP", client.recv(100))
            except ConnectionResetError:
                pass

    def test_a_new_certificate_is_used_without_a_restart(self):
        daemon = self.start_tls()
        before = giromqd.shown_certificate(daemon.port("amqps"))
        certificate, key = self.make_certificate("next", "localhost")
        shutil.copyfile(key, self.key)
        shutil.copyfile(certificate, self.certificate)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_log("certificates_reloaded")
        for kind in ("amqps", "https"):
            self.assertNotEqual(before, giromqd.shown_certificate(daemon.port(kind)))

    def test_a_reload_takes_over_what_can_change(self):
        daemon = self.start_tls()
        with open(os.path.join(self.folder, "giromq.xml"), encoding="utf-8") as stream:
            text = stream.read()
        changed = text.replace('<core create-queues="true"/>', '<core create-queues="false"/><alarms dead-letter-warning="7"/>')
        self.file("giromq.xml", changed)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_log("configuration_reloaded")
        self.assertRegex(daemon.logged(), "configuration_reloaded applied=alarms needs_restart=core")
        self.file("giromq.xml", "nonsense")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_log("configuration_not_reloaded")
        self.assertEqual(0, daemon.stop())

    def test_changed_files_are_noticed(self):
        daemon = self.start_tls()
        before = giromqd.shown_certificate(daemon.port("amqps"))
        certificate, key = self.make_certificate("next", "localhost")
        os.replace(key, self.key)
        os.replace(certificate, self.certificate)
        daemon.wait_for_log("certificates_reloaded")
        self.assertNotEqual(before, giromqd.shown_certificate(daemon.port("amqps")))

    def test_a_bad_certificate_changes_nothing(self):
        daemon = self.start_tls()
        before = giromqd.shown_certificate(daemon.port("amqps"))
        self.file("server.pem", "nonsense")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_log("certificates_not_reloaded")
        self.assertEqual(before, giromqd.shown_certificate(daemon.port("amqps")))
        self.assertEqual(0, daemon.stop())

    @unittest.skipIf(proton is None, "python3-qpid-proton is not installed")
    def test_a_client_certificate_is_a_login(self):
        authority = self.make_certificate("authority", "Bank CA")
        daemon = self.start_tls(tls=f'client-ca-file="{authority[0]}" require-client-certificate="true"', listener='mechanisms="external"')
        certificate, key = self.make_certificate("client", "ledger", authority)
        self.context.load_cert_chain(certificate, key)
        admin = daemon.make_administrator(tls=self.context)
        ledger = {"role": "application", "password": "not used here 9"}
        created = daemon.http("PUT", "/api/v1/users/ledger", ledger, user=admin, tls=self.context)
        self.assertEqual(201, created.status)
        self.assertEqual(201, daemon.http("POST", "/api/v1/permissions", giromqd.GRANT_ALL, user=admin, tls=self.context).status)
        connection = self.connect(daemon, certificate, key)
        connection.create_sender("q").send(proton.Message(body="x", durable=True))
        items = daemon.http("GET", "/api/v1/connections", user=admin, tls=self.context).json()["items"]
        self.assertEqual(("ledger", True), (items[0]["user"], items[0]["encrypted"]))
        connection.close()

    def connect(self, daemon, certificate, key):
        """An AMQP connection with EXTERNAL."""
        domain = proton.SSLDomain(proton.SSLDomain.MODE_CLIENT)
        domain.set_credentials(certificate, key, None)
        domain.set_trusted_ca_db(self.certificate)
        domain.set_peer_authentication(proton.SSLDomain.VERIFY_PEER)
        url = "amqps://localhost:%d" % daemon.port("amqps")
        return proton.utils.BlockingConnection(url, timeout=30, ssl_domain=domain, allowed_mechs="EXTERNAL")

    @unittest.skipIf(proton is None, "python3-qpid-proton is not installed")
    def test_an_authority_makes_certificates_for_its_own_users_only(self):
        payments = self.make_certificate("payments", "Payments CA")
        guests = self.make_certificate("guests", "Guests CA")
        both = self.file("both.pem", "".join(open(file, encoding="utf-8").read() for file, _ in (payments, guests)))
        refused = self.run_program("--check-config", "--config", self.write_config(f'client-ca-file="{both}"', 'mechanisms="external"'))
        self.assertEqual(2, refused.returncode, refused.stderr)
        self.assertIn("names 2 authorities", refused.stderr)
        daemon = self.start_tls(f'client-ca-file="{both}"', 'mechanisms="external"', f"""<sasl>
  <certificate authority="{giromqd.certificate_digest(payments[0])}" user="ledger"/>
  <certificate authority="{giromqd.certificate_digest(guests[0])}" subject="CN=desk 7" user="visitor"/></sasl>""")
        admin = daemon.make_administrator(tls=self.context)
        for name in ("ledger", "visitor"):
            user = {"role": "application", "password": "not used here 9"}
            self.assertEqual(201, daemon.http("PUT", "/api/v1/users/" + name, user, user=admin, tls=self.context).status)
        shown = (("ledger", payments, "ledger"), ("desk 7", guests, "visitor"), ("ledger", guests, None), ("visitor", guests, None),
                 ("desk 7", payments, None))
        for number, (name, authority, user) in enumerate(shown):
            certificate, key = self.make_certificate(f"client{number}", name, authority)
            if user is None:
                self.assertRaises(proton.ProtonException, self.connect, daemon, certificate, key)
                continue
            connection = self.connect(daemon, certificate, key)
            items = daemon.http("GET", "/api/v1/connections", user=admin, tls=self.context).json()["items"]
            self.assertEqual([user], [item["user"] for item in items])
            connection.close()
        self.assertEqual(3, daemon.logged().count("certificate_of_nobody"))

    def shakes_hands(self, daemon, certificate, key):
        context = ssl.create_default_context(cafile=self.certificate)
        context.load_cert_chain(certificate, key)
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # 1.3 tells of a refusal only later
        with socket.create_connection(("127.0.0.1", daemon.port("amqps")), timeout=20) as plain:
            try:
                context.wrap_socket(plain, server_hostname="127.0.0.1").close()
                return True
            except (ssl.SSLError, ConnectionError):
                return False

    def test_a_certificate_that_was_withdrawn_does_not_get_in(self):
        authority = self.make_certificate("authority", "Bank CA")
        client = self.make_certificate("client", "ledger", authority)
        other = self.make_certificate("other", "gateway", authority)
        lists = self.make_revocation_list(authority)
        daemon = self.start_tls(f'client-ca-file="{authority[0]}" crl-file="{lists}" require-client-certificate="true"',
                                'mechanisms="external"')
        self.assertTrue(self.shakes_hands(daemon, *client))
        self.make_revocation_list(authority, [client[0]])
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_log("certificates_reloaded")
        self.assertFalse(self.shakes_hands(daemon, *client))
        self.assertTrue(self.shakes_hands(daemon, *other))
        self.file("withdrawn.pem", "nonsense")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_log("certificates_not_reloaded")
        daemon.wait_for_log("alarm=revocation-list:")
        self.assertFalse(self.shakes_hands(daemon, *client))
        self.assertEqual(0, daemon.stop())

    def test_a_revocation_list_that_has_expired_is_refused_at_the_start(self):
        authority = self.make_certificate("authority", "Bank CA")
        lists = self.make_revocation_list(authority, options=("-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20200102000000Z"))
        config = self.write_config(f'client-ca-file="{authority[0]}" crl-file="{lists}"')
        for arguments in (("--check-config",), ("--data", os.path.join(self.folder, "data"))):
            refused = self.run_program("--config", config, *arguments)
            self.assertNotEqual(0, refused.returncode)
            self.assertIn("that of CN=Bank CA has expired", refused.stderr)

    def test_a_certificate_of_another_authority_is_refused(self):
        authority = self.make_certificate("authority", "Bank CA")
        other = self.make_certificate("other", "Other CA")
        daemon = self.start_tls(tls=f'client-ca-file="{authority[0]}" require-client-certificate="true"')
        self.context.load_cert_chain(*self.make_certificate("client", "ledger", other))
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", daemon.port("amqps")), timeout=20) as plain:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.context.wrap_socket(plain, server_hostname="127.0.0.1")

    def test_a_silent_client_is_cut(self):
        daemon = self.start_tls()
        with socket.create_connection(("127.0.0.1", daemon.port("amqps")), timeout=40) as silent:
            begun = time.monotonic()
            self.assertEqual(b"", silent.recv(1))
            self.assertLess(time.monotonic() - begun, 30)


if __name__ == "__main__":
    giromqd.main()
