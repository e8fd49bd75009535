// The console against giromqd of GIROMQ_BUILD_DIR: a broker with queues, dead letters, branches in doubt, and clients that are connected.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const bin = join(process.env.GIROMQ_BUILD_DIR ?? ".", "bin");
const user = "admin";
const password = "Correct horse 1";
const hex = (text) => Buffer.from(text).toString("hex");

async function line(child) {
  let text = "";
  for await (const chunk of child.stdout) {
    text += chunk;
    if (text.includes("\n")) return text;
  }
  throw new Error(`it ended with ${child.exitCode} and without a line: ${text}`);
}

class Daemon {
  static async start(folder, ...options) {
    const daemon = new Daemon();
    const log = join(folder, "giromqd.log");
    const command = ["--data", join(folder, "data"), "--http", "127.0.0.1:0", "--amqp", "127.0.0.1:0", ...options];
    daemon.child = spawn(join(bin, "giromqd"), command, { stdio: ["ignore", "pipe", openSync(log, "a")] });
    daemon.ended = new Promise((done) => daemon.child.once("exit", done));
    const ready = await line(daemon.child).catch((error) => {
      throw new Error(`${error.message}\n${readFileSync(log, "utf8")}`);
    });
    const addresses = Object.fromEntries([...ready.matchAll(/(\w+)=(\S+)/g)].map((match) => [match[1], match[2]]));
    daemon.origin = `http://${addresses.http}`;
    daemon.amqp = addresses.amqp;
    daemon.child.stdout.resume();
    return daemon;
  }

  async request(method, path, body, headers = {}) {
    const answer = await fetch(`${this.origin}/api/v1/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: {
        Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  async stop() {
    this.child.kill("SIGTERM");
    await this.ended;
  }
}

const currencies = ["EUR", "CHF", "USD"];

function message(index) {
  const currency = currencies[index % 3];
  const text =
    index % 4 === 3
      ? JSON.stringify({ amount: 10.5, currency, lines: ["<script>"] })
      : `<Document><GrpHdr><MsgId>MSG-${index}</MsgId></GrpHdr><Amt Ccy="${currency}">${index}.00</Amt><Nm>Müller &amp; Söhne</Nm></Document>`;
  return {
    correlationId: `order-${index}`,
    contentType: index % 4 === 3 ? "application/json" : "application/xml",
    properties: [
      { name: "currency", type: "string", value: currency },
      { name: "branch", type: "int", value: index },
    ],
    body: { kind: "text", text },
  };
}

async function fill(daemon, queue, amount) {
  for (let index = 0; index < amount; index++) await daemon.request("POST", `queues/${queue}/messages`, message(index));
}

const hostile = "<img src=x onerror=alert(1)>";

async function furnish(daemon) {
  for (const name of ["DLQ", "payments.in", "purged", "doomed", "changed", "target", hostile])
    await daemon.request("PUT", `queues/${encodeURIComponent(name)}`, {});
  await daemon.request("PUT", "queues/payments.out", { deadLetterQueue: "DLQ" });
  await daemon.request("PUT", "users/payments-app", { role: "application", password: "A password 1" });
  await fill(daemon, "payments.in", 120);
  await fill(daemon, "payments.out", 16);
  await fill(daemon, "purged", 5);
}

/** Clients that reject what is in payments.out, so that it becomes dead letters, and then stay. */
async function connect(daemon) {
  const script = fileURLToPath(new URL("clients.py", import.meta.url));
  const clients = spawn("/usr/bin/python3", [script, daemon.amqp, user, password, "16"], { stdio: ["pipe", "pipe", "inherit"] });
  await line(clients);
  return clients;
}

export async function openTarget() {
  const folder = mkdtempSync(join(tmpdir(), "giromq-browser-"));
  spawnSync(join(bin, "giromq_test_in_doubt"), [join(folder, "data"), "2"], { stdio: "inherit" });
  const first = await Daemon.start(folder, "--dev");
  await fetch(`${first.origin}/api/v1/users/${user}`, {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ role: "administrator", password }),
  });
  await first.stop();
  const daemon = await Daemon.start(folder);
  if (!(await fetch(`${daemon.origin}/console/`)).ok) {
    await daemon.stop();
    throw new Error("this giromqd was built without the web console");
  }
  await furnish(daemon);
  const clients = await connect(daemon);
  const lacks = new Set();
  for (const path of ["permissions", "roles", "audit", "configuration/export", "consumers", "producers"]) {
    await daemon.request("GET", path).catch(() => lacks.add(path));
  }
  return {
    lacks,
    origin: daemon.origin,
    user,
    password,
    queue: "payments.in",
    deadLetters: "DLQ",
    hostile,
    prepared: [0, 1].map((number) => `1:${hex(`transfer-${number}`)}:${hex("giromq")}`),
    async change(queue, settings) {
      await daemon.request("PATCH", `queues/${queue}`, settings, { "If-Match": "*" });
    },
    async endSessions() {
      await daemon.request("PUT", `users/${user}`, { role: "administrator", password });
    },
    async close() {
      clients.stdin.end();
      clients.kill();
      await daemon.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
