// The console against giromqd of GIROMQ_BUILD_DIR, over TLS: 10,000 queues, dead letters, branches in doubt, clients with hostile names, traffic.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Daemon, firstLine, run } from "./daemon.mjs";

const user = "admin";
const password = "Correct horse 1";
const client = "payments-app";
const branches = 6;
const hex = (text) => Buffer.from(text).toString("hex");

// Markup, and characters that turn the text behind them around: U+202E.
export const hostile = "<img src=x onerror=alert(1)>\u202egnp.exe\u202c";
const hostileUser = "<b>mallory</b>";

const ownQueues = ["DLQ", "payments.in", "payments.out", "purged", "changed", "target", "doomed", "traffic"];
const settlements = ["chf", "eur", "gbp", "usd"].flatMap((currency) =>
  Array.from({ length: 2498 }, (_, number) => `settlement.${currency}.${String(number).padStart(4, "0")}`),
);

/** A certificate whose subject has markup in it, which the console shows. */
function makeCertificate(folder) {
  const files = { certificate: join(folder, "server.pem"), key: join(folder, "server.key") };
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "20", "-utf8"];
  const subject = `/O=${hostile.replaceAll("=", "\\=")}/CN=localhost`;
  const names = ["-subj", subject, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  run("/usr/bin/openssl", ...request, ...names, "-keyout", files.key, "-out", files.certificate);
  return files;
}

function configure(folder, { certificate, key }, names = settlements) {
  const file = join(folder, "giromq.xml");
  // The queues that tests delete are made over REST: those of the configuration would come back at the next start.
  const queues = names.map((name) => `<queue name="${name}"/>`).join("\n    ");
  writeFileSync(
    file,
    `<giromq xmlns="urn:giromq:config:1">
  <broker name="payments-1" data-directory="${join(folder, "data")}"/>
  <amqp><listener host="127.0.0.1" port="0"/><listener host="127.0.0.1" port="0" tls="true"/></amqp>
  <tls certificate-file="${certificate}" private-key-file="${key}"/>
  <http host="127.0.0.1" port="0" tls="true"/>
  <queues>
    ${queues}
  </queues>
</giromq>
`,
  );
  return file;
}

async function furnish(daemon) {
  for (const name of [...ownQueues, hostile])
    await daemon.api("PUT", `queues/${encodeURIComponent(name)}`, name === "payments.out" ? { deadLetterQueue: "DLQ" } : {});
  const people = { [client]: "application", [hostileUser]: "application", olga: "operator", ada: "auditor" };
  for (const [name, role] of Object.entries(people)) await daemon.api("PUT", `users/${encodeURIComponent(name)}`, { role, password });
  const grantee = { kind: "user", name: client };
  await daemon.api("POST", "permissions", { grantee, pattern: "#", actions: ["send", "receive", "browse", "read-body", "create"] });
}

/** A broker that nobody has ever logged in to: where it is, and the file with the token for its first administrator. */
async function startFirst(files) {
  const folder = mkdtempSync(join(tmpdir(), "giromq-browser-"));
  const daemon = await Daemon.start(folder, "--config", configure(folder, files, []));
  return {
    origin: daemon.origin,
    tokenFile: join(folder, "data", "first-login-token"),
    async close() {
      await daemon.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Clients that fill queues, make dead letters, and then stay; see clients.py. */
async function connect(daemon, certificate, passwordFile) {
  const script = fileURLToPath(new URL("clients.py", import.meta.url));
  // python3-qpid-proton is a module of Debian's Python, which need not be the first one of the PATH.
  const words = [script, "127.0.0.1", daemon.port("amqp"), daemon.port("amqps"), certificate, client, passwordFile];
  const clients = spawn("/usr/bin/python3", words, { stdio: ["pipe", "pipe", "inherit"] });
  await firstLine(clients);
  return clients;
}

export async function openTarget() {
  const folder = mkdtempSync(join(tmpdir(), "giromq-browser-"));
  const files = makeCertificate(folder);
  const certificate = readFileSync(files.certificate);
  const config = configure(folder, files);
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  run("giromq_test_in_doubt", join(folder, "data"), String(branches));
  run("giromqd", "--config", config, "user", "add", user, "--role", "administrator", "--password-file", passwordFile);
  const daemon = await Daemon.start(folder, "--config", config);
  let clients;
  const close = async () => {
    clients?.stdin.end();
    clients?.kill();
    await daemon.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await daemon.logIn(user, password, certificate);
    if ((await daemon.send("GET", "/console/")).status !== 200) throw new Error("this giromqd was built without the web console");
    await furnish(daemon);
    clients = await connect(daemon, files.certificate, passwordFile);
  } catch (error) {
    await close();
    throw error;
  }
  const lacks = new Set();
  for (const path of ["permissions", "roles", "audit", "configuration/export"]) {
    if ((await daemon.send("GET", `/api/v1/${path}`)).status === 404) lacks.add(path);
  }
  return {
    lacks,
    origin: daemon.origin,
    user,
    password,
    operator: "olga",
    auditor: "ada",
    queue: "payments.in",
    deadLetters: "DLQ",
    hostile,
    hostileUser,
    many: { first: settlements[0], last: settlements.at(-1) },
    traffic: "traffic",
    prepared: Array.from({ length: branches }, (_, number) => `1:${hex(`transfer-${number}`)}:${hex("giromq")}`),
    api: (...words) => daemon.api(...words),
    startFirst: () => startFirst(files),
    async change(queue, settings) {
      await daemon.api("PATCH", `queues/${queue}`, settings, { "If-Match": "*" });
    },
    /** Sessions of the user have ended, and that of the tests with them. */
    async logInAgain() {
      await daemon.logIn(user, password, certificate);
    },
    async endSessions() {
      await daemon.api("PUT", `users/${user}`, { role: "administrator", password });
      await daemon.logIn(user, password, certificate);
    },
    close,
  };
}
