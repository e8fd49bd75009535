"""Messages in the queues of a running giromqd: looking at them, moving them, and what a kill in the middle of it leaves."""

import json
import os
import time
import unittest

import giromqd

CLI = os.path.join(os.environ.get("GIROMQ_BUILD_DIR", "."), "bin", "giromq")
BENCH = os.path.join(os.environ.get("GIROMQ_BUILD_DIR", "."), "bin", "giromq-bench")


class MessagesTest(giromqd.DaemonTest):
    def send(self, daemon, queue, **message):
        answer = daemon.http("POST", f"/api/v1/queues/{queue}/messages", message)
        self.assertEqual(201, answer.status)
        return answer.json()["id"]

    def ids(self, daemon, queue):
        found, cursor = [], None
        while True:
            page = daemon.http("GET", f"/api/v1/queues/{queue}/messages?limit=1000" + (f"&cursor={cursor}" if cursor else "")).json()
            found += [item["messageId"] for item in page["items"]]
            cursor = page["nextCursor"]
            if cursor is None:
                return found

    def end_of(self, daemon, operation):
        path = f"/api/v1/operations/{operation['id']}"
        self.wait_until(lambda: daemon.http("GET", path).json()["state"] != "running", 60)
        return daemon.http("GET", path).json()

    def test_every_way_to_look_and_to_change_keeps_the_contract(self):
        daemon = self.start()
        for queue in ("q", "other"):
            self.assertEqual(201, daemon.http("PUT", f"/api/v1/queues/{queue}", {}).status)
        first = self.send(daemon, "q", body={"kind": "text", "text": "<a/>"}, correlationId="c", groupId="g", timeToLiveMs=600000,
                          properties=[{"name": "n", "type": "long", "value": "5"}, {"name": "d", "type": "double", "value": 1.5}])
        second = self.send(daemon, "q", body={"kind": "bytes", "base64": "AAEC"}, durable=False)
        self.send(daemon, "q")
        self.assertEqual(3, len(daemon.http("GET", "/api/v1/queues/q/messages").json()["items"]))
        self.assertEqual(1, len(daemon.http("GET", "/api/v1/queues/q/messages?selector=n%3D5").json()["items"]))
        self.assertEqual("xml", daemon.http("GET", f"/api/v1/queues/q/messages/{first}").json()["body"]["looksLike"])
        self.assertEqual("binary", daemon.http("GET", f"/api/v1/queues/q/messages/{second}").json()["body"]["looksLike"])
        self.assertEqual("<a/>", daemon.http("GET", f"/api/v1/queues/q/messages/{first}/body").body)
        daemon.http("GET", "/api/v1/queues/q/messages/424242")
        self.assertEqual({"matched": 3, "complete": True},
                         {key: value for key, value in daemon.http("POST", "/api/v1/queues/q/messages/copy",
                                                                   {"all": True, "to": "other", "dryRun": True}).json().items()
                          if key != "bytes"})
        self.assertEqual({"done": 1, "failed": []},
                         daemon.http("POST", "/api/v1/queues/q/messages/move", {"ids": [first], "to": "other"}).json())
        self.assertEqual("not_found", daemon.http("POST", "/api/v1/queues/q/messages/delete", {"ids": [first]}).json()["failed"][0]["code"])
        moved = daemon.http("POST", "/api/v1/queues/q/messages/copy", {"all": True, "to": "other"})
        self.assertEqual(202, moved.status)
        self.assertEqual("done", self.end_of(daemon, moved.json())["state"])
        self.assertEqual(3, len(self.ids(daemon, "other")))
        ended = self.end_of(daemon, daemon.http("POST", "/api/v1/queues/other/messages/delete", {"selector": "n = 5"}).json())
        daemon.http("GET", "/api/v1/operations")
        path = "/api/v1/operations/" + ended["id"]
        self.assertEqual(200, daemon.http("DELETE", path).status)
        daemon.http("POST", "/api/v1/queues/q/messages/move", {"all": True})
        daemon.kill()
        daemon = self.start()
        self.assertEqual((410, "interrupted"), (daemon.http("GET", path).status, daemon.http("DELETE", path).json()["code"]))

    def test_queues_are_changed_paused_and_sorted(self):
        daemon = self.start()
        for number in range(3):
            daemon.http("PUT", f"/api/v1/queues/q{number}", {})
            for _ in range(number):
                self.send(daemon, f"q{number}")
        names = [item["name"] for item in daemon.http("GET", "/api/v1/queues?sort=-messages&name=q&limit=2").json()["items"]]
        self.assertEqual(["q2", "q1"], names)
        tag = daemon.http("GET", "/api/v1/queues/q0").headers["ETag"]
        self.assertEqual(428, daemon.http("PATCH", "/api/v1/queues/q0", {"maxMessages": 5}).status)
        self.assertEqual(200, daemon.http("PATCH", "/api/v1/queues/q0", {"maxMessages": 5}, headers={"If-Match": tag}).status)
        self.assertEqual(412, daemon.http("PATCH", "/api/v1/queues/q0", {"maxMessages": 6}, headers={"If-Match": tag}).status)
        self.assertEqual(412, daemon.http("DELETE", "/api/v1/queues/q0", headers={"If-Match": tag}).status)
        self.assertTrue(daemon.http("POST", "/api/v1/queues/q0/pause", {"send": True}).json()["paused"]["send"])
        self.assertEqual("paused", daemon.http("POST", "/api/v1/queues/q0/messages", {}).json()["code"])
        daemon.kill()
        daemon = self.start()
        queue = daemon.http("GET", "/api/v1/queues/q0").json()
        self.assertEqual((5, True), (queue["maxMessages"], queue["paused"]["send"]))
        self.assertEqual(["q0"], [item["name"] for item in daemon.http("GET", "/api/v1/queues?state=paused").json()["items"]])

    def test_a_kill_in_the_middle_of_a_move_loses_and_doubles_nothing(self):
        total = 6000
        daemon = self.start()
        for queue in ("DLQ2", "other"):
            daemon.http("PUT", f"/api/v1/queues/{queue}", {})
        url = "amqp://" + daemon.address["amqp"]
        filled = self.run_program("load", "--url", url, "--queue", "DLQ2", "--producers", "4", "--consumers", "0",
                                  "--unconfirmed", "500", "--messages", str(total), program=BENCH)
        self.assertEqual(0, filled.returncode, filled.stderr)
        wanted = daemon.http("GET", "/api/v1/queues/DLQ2").json()["messages"]
        kills = 0
        while True:
            answer = daemon.http("POST", "/api/v1/queues/DLQ2/messages/move", {"all": True, "to": "other"})
            self.assertEqual(202, answer.status)
            if kills == 3:
                self.assertEqual("done", self.end_of(daemon, answer.json())["state"])
                break
            path = f"/api/v1/operations/{answer.json()['id']}"
            done = daemon.http("GET", path).json()["done"]
            give_up_at = time.monotonic() + 20
            while daemon.http("GET", path).json()["done"] < done + 1000 * kills and time.monotonic() < give_up_at:
                pass
            daemon.kill()
            kills += 1
            daemon = self.start()
            depths = [daemon.http("GET", f"/api/v1/queues/{queue}").json()["messages"] for queue in ("DLQ2", "other")]
            self.assertEqual(wanted, sum(depths), depths)
        self.assertEqual(wanted, daemon.http("GET", "/api/v1/queues/other").json()["messages"])
        self.assertEqual(0, daemon.http("GET", "/api/v1/queues/DLQ2").json()["messages"])
        daemon.stop()

    def test_the_command_line_looks_moves_and_deletes(self):
        daemon = self.start()
        for queue in ("q", "other"):
            daemon.http("PUT", f"/api/v1/queues/{queue}", {})
        ids = [self.send(daemon, "q", body={"kind": "text", "text": f"m{number}"}) for number in range(3)]
        environment = {"GIROMQ_HTTP": "http://" + daemon.address["http"]}

        def run(*arguments, code=0):
            done = self.run_program(*arguments, environment=environment, program=CLI)
            self.assertEqual(code, done.returncode, done.stdout + done.stderr)
            return done.stdout

        self.assertIn(ids[0], run("message", "list", "q"))
        self.assertEqual(3, len(run("message", "list", "q", "--json").splitlines()))
        self.assertIn("m1", run("message", "show", "q", ids[1]))
        self.assertIn("3 messages", run("message", "move", "q", "--to", "other", "--all", "--dry-run"))
        run("message", "move", "q", "--to", "other", "--all", code=2)  # nobody can be asked
        self.assertEqual(1, json.loads(run("message", "move", "q", ids[1], "--to", "other", "--yes", "--json"))["done"])
        self.assertEqual("done", json.loads(run("message", "delete", "q", "--all", "--yes", "--json"))["state"])
        run("message", "list", "q", code=3)
        self.assertIn("delete", run("operation", "list"))
        run("message", "delete", "q", code=2)
        self.assertIn("receiving is paused", run("queue", "pause", "q", "--receiving"))
        self.assertIn("receiving is running", run("queue", "resume", "q"))
        run("queue", "set", "q", "--max-messages", "7")
        self.assertEqual(7, daemon.http("GET", "/api/v1/queues/q").json()["maxMessages"])
        self.assertIn("other", run("queue", "list", "--sort", "-messages").splitlines()[1])


if __name__ == "__main__":
    unittest.main()
