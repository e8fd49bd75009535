// A giromqd of the tests' own, over TLS, and requests to it beside the browser.

import { spawn, spawnSync } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";

const bin = join(process.env.GIROMQ_BUILD_DIR ?? ".", "bin");

/** The first line of what a program prints. */
export async function firstLine(child) {
  let text = "";
  for await (const chunk of child.stdout) {
    text += chunk;
    if (text.includes("\n")) return text;
  }
  throw new Error(`it ended with ${child.exitCode} and without a line: ${text}`);
}

/** Runs a program of the build, or one of the system (a name with a slash), to its end. */
export function run(program, ...words) {
  const ended = spawnSync(program.includes("/") ? program : join(bin, program), words, { encoding: "utf8" });
  if (ended.status !== 0) throw new Error(`${program} ${words.join(" ")} ended with ${ended.status}:\n${ended.stdout}${ended.stderr}`);
  return ended.stdout;
}

export class Daemon {
  static async start(folder, ...options) {
    const daemon = new Daemon();
    const log = join(folder, "giromqd.log");
    daemon.child = spawn(join(bin, "giromqd"), options, { stdio: ["ignore", "pipe", openSync(log, "a")] });
    daemon.ended = new Promise((done) => daemon.child.once("exit", done));
    // Whatever ends the tests ends the broker.
    process.once("exit", () => daemon.child.kill());
    const ready = await firstLine(daemon.child).catch((error) => {
      throw new Error(`${error.message}\n${readFileSync(log, "utf8")}`);
    });
    daemon.child.stdout.resume();
    daemon.address = Object.fromEntries([...ready.matchAll(/(\w+)=(\S+)/g)].map((match) => [match[1], match[2]]));
    daemon.origin = `https://${daemon.address.https}`;
    return daemon;
  }

  port(kind) {
    return this.address[kind].split(":").at(-1);
  }

  /** One request, as whom `logIn` has logged in: {status, text, headers}. */
  async send(method, path, body, headers = {}) {
    const content = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    // Node.js leaves the length of a DELETE's body out unless it is told.
    const about = content === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(content) };
    return new Promise((done, failed) => {
      const sent = request(
        `${this.origin}${path}`,
        {
          method,
          agent: this.agent,
          headers: { ...about, ...this.login, ...headers },
        },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8");
          answer.on("data", (chunk) => (text += chunk));
          answer.on("end", () => done({ status: answer.statusCode, text, headers: answer.headers }));
        },
      );
      sent.on("error", failed);
      sent.end(content);
    });
  }

  /** A request to the API that must succeed, and what it answers. */
  async api(method, path, body, headers) {
    const answer = await this.send(method, `/api/v1/${path}`, body, headers);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.text && /json/.test(answer.headers["content-type"]) ? JSON.parse(answer.text) : answer.text;
  }

  /** A session of the tests' own: HTTP Basic would have the password hashed for every request. */
  async logIn(user, password, certificate) {
    this.agent = new Agent({ ca: certificate, keepAlive: true });
    this.login = {};
    const answer = await this.send("POST", "/api/v1/session", { user, password });
    if (answer.status !== 200) throw new Error(`login: ${answer.status} ${answer.text}`);
    this.login = { Cookie: answer.headers["set-cookie"][0].split(";")[0], "X-CSRF-Token": JSON.parse(answer.text).csrfToken };
  }

  async stop() {
    this.agent?.destroy();
    this.child.kill("SIGTERM");
    await this.ended;
  }
}
