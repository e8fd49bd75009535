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
        self.certificate, self.key = self.make_certificate("server", "localhost")
        config = self.file("giromq.xml", f"""<giromq xmlns="urn:giromq:config:1">
  <amqp><listener host="127.0.0.1" port="0" tls="true" {listener}/></amqp>
  <tls certificate-file="{self.certificate}" private-key-file="{self.key}" reload-interval="1s" {tls}/>
  {sasl}
  <http host="127.0.0.1" port="0" tls="true"/>
  <core create-queues="true"/>
</giromq>
""")
        daemon = self.start("--config", config, dev=False)
        self.context = ssl.create_default_context(cafile=self.certificate)
        return daemon

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
        domain = proton.SSLDomain(proton.SSLDomain.MODE_CLIENT)
        domain.set_credentials(certificate, key, None)
        domain.set_trusted_ca_db(self.certificate)
        domain.set_peer_authentication(proton.SSLDomain.VERIFY_PEER)
        url = "amqps://localhost:%d" % daemon.port("amqps")
        connection = proton.utils.BlockingConnection(url, timeout=30, ssl_domain=domain, allowed_mechs="EXTERNAL")
        connection.create_sender("q").send(proton.Message(body="x", durable=True))
        items = daemon.http("GET", "/api/v1/connections", user=admin, tls=self.context).json()["items"]
        self.assertEqual(("ledger", True), (items[0]["user"], items[0]["encrypted"]))
        connection.close()

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
