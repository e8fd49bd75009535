// The console against a broker that is made up: `npm run build && npm run mock`, then http://127.0.0.1:8261/console/ as admin, olga (operator)
// or anton (auditor) with the password "correct horse".

import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { Broker, mayDo, Refusal } from "./broker.mjs";
import { routes } from "./routes.mjs";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
export const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; " +
  "frame-ancestors 'none'; require-trusted-types-for 'script'";

function matchRoute(method, path) {
  const parts = path.split("/").map(decodeURIComponent);
  // A path in words goes before one with a name in it: permissions/check is no permission.
  for (const [routeMethod, pattern, handler] of [...routes].sort((one, other) => one[1].includes(":") - other[1].includes(":"))) {
    const names = pattern.split("/");
    if (routeMethod !== method || names.length !== parts.length) continue;
    if (names.every((name, index) => name.startsWith(":") || name === parts[index])) {
      return {
        handler,
        named: Object.fromEntries(names.flatMap((name, index) => (name.startsWith(":") ? [[name.slice(1), parts[index]]] : []))),
      };
    }
  }
  throw new Refusal(404, "not_found", "There is no such thing", path);
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return /json/.test(request.headers["content-type"] ?? "") && text ? JSON.parse(text) : text;
}

export function makeServer() {
  const broker = new Broker();
  const sessions = new Map();
  const sessionOf = (request) => sessions.get(/__Host-giromq=(\w+)/.exec(request.headers.cookie ?? "")?.[1]);

  function open(user, role, mayDo) {
    const cookie = randomBytes(32).toString("hex");
    const session = {
      user,
      role,
      csrfToken: randomBytes(16).toString("hex"),
      expiresAt: new Date(Date.now() + 28_800_000).toISOString(),
      idleTimeoutMs: 900_000,
      confirmedUntil: null,
      mayDo,
    };
    sessions.set(cookie, session);
    broker.record(user, "login", user);
    return [200, session, { "Set-Cookie": `__Host-giromq=${cookie}; Secure; HttpOnly; SameSite=Strict; Path=/` }];
  }

  function aboutSession(method, path, body, request) {
    const session = sessionOf(request);
    if (method === "POST" && path === "session") {
      if (broker.passwords.get(body.user) !== body.password)
        throw new Refusal(401, "unauthorized", "The login is wrong", "The user or the password is not right.");
      return open(body.user, broker.users.get(body.user), mayDo[broker.users.get(body.user)]);
    }
    if (!session) throw new Refusal(401, "unauthorized", "Log in first");
    if (method === "POST" && path === "session/confirm") {
      if (broker.passwords.get(session.user) !== body.password) throw new Refusal(403, "wrong_password", "The password is wrong");
      session.confirmedUntil = new Date(Date.now() + 300_000).toISOString();
    }
    if (method === "PUT" && path === "session/password") {
      if (broker.passwords.get(session.user) !== body.current) throw new Refusal(403, "wrong_credentials", "The password is wrong");
      broker.passwords.set(session.user, body.new);
      for (const [cookie, one] of sessions) if (one.user === session.user) sessions.delete(cookie);
      return open(session.user, session.role, session.mayDo);
    }
    if (method === "DELETE") {
      for (const [cookie, one] of sessions) if (one === session) sessions.delete(cookie);
      return [204];
    }
    return [200, session];
  }

  async function answer(request, url) {
    const path = url.pathname.slice("/api/v1/".length);
    const body = await bodyOf(request);
    if (["session", "session/confirm", "session/password"].includes(path)) return aboutSession(request.method, path, body, request);
    const session = sessionOf(request);
    if (!session) throw new Refusal(401, "unauthorized", "Log in first", "The session has ended.");
    if (request.method !== "GET" && request.headers["x-csrf-token"] !== session.csrfToken)
      throw new Refusal(403, "csrf", "The CSRF token is missing or wrong");
    const { handler, named } = matchRoute(request.method, path);
    return handler({ broker, session, query: url.searchParams, body, headers: request.headers, ...named });
  }

  async function serveFile(url, response) {
    const wanted = normalize(url.pathname.replace(/^\/console\/?/, ""));
    const file = /^(assets\/[\w.-]+|favicon\.svg)$/.test(wanted) ? wanted : "index.html";
    const content = await readFile(join(dist, file));
    response.writeHead(200, {
      "Content-Type": types[extname(file)] ?? "application/octet-stream",
      "Content-Security-Policy": policy,
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "no-cache",
    });
    response.end(content);
  }

  async function serve(request, response) {
    const url = new URL(request.url, "http://mock");
    try {
      if (url.pathname === "/") return response.writeHead(302, { Location: "/console/" }).end();
      if (url.pathname.startsWith("/console")) return await serveFile(url, response);
      const [status, content, headers = {}] = await answer(request, url);
      const isText = typeof content === "string" || Buffer.isBuffer(content);
      response.writeHead(status, { ...(content === undefined ? {} : { "Content-Type": "application/json" }), ...headers });
      response.end(content === undefined ? undefined : isText ? content : JSON.stringify(content));
    } catch (error) {
      const {
        status = 500,
        code = "internal",
        title = "The mock has failed",
        detail = String(error),
      } = error instanceof Refusal ? error : {};
      response.writeHead(status, { "Content-Type": "application/problem+json" });
      response.end(JSON.stringify({ type: "about:blank", title, status, detail, code }));
    }
  }

  const server = createServer((request, response) => void serve(request, response));
  server.on("upgrade", (request, socket) => {
    if (!sessionOf(request)) return socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
    new Feed(socket, request.headers["sec-websocket-key"], broker);
  });
  server.broker = broker;
  server.sessions = sessions;
  return server;
}

/** The server's side of a WebSocket (RFC 6455), as far as texts of the console need it. */
class Feed {
  watched = [];
  told = new Map();

  constructor(socket, key, broker) {
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    const timer = setInterval(() => {
      this.send(socket, { type: "sample", at: new Date().toISOString(), ...broker.sample(Date.now()) });
      const items = this.watched
        .map((name) => broker.queues.get(name))
        .filter(Boolean)
        .map(({ name, messages, bytes, delivering, consumers, producers }) => ({
          name,
          messages,
          bytes,
          delivering,
          consumers,
          producers,
          enqueuedRate: Math.round((messages % 97) * broker.rates() * 3),
          deliveredRate: Math.round((messages % 89) * broker.rates() * 3),
        }));
      for (const item of broker.operations.values()) {
        const now = JSON.stringify(item);
        if (this.told.get(item.id) === now) continue;
        this.told.set(item.id, now);
        this.send(socket, { type: "operation", item });
      }
      if (items.length > 0) this.send(socket, { type: "queues", items });
    }, 1000);
    this.send(socket, { type: "alarms", items: broker.alarms() });
    socket.on("data", (data) => this.take(data));
    socket.on("close", () => clearInterval(timer));
    socket.on("error", () => clearInterval(timer));
  }

  send(socket, value) {
    const text = Buffer.from(JSON.stringify(value));
    const head = text.length < 126 ? Buffer.from([0x81, text.length]) : Buffer.from([0x81, 126, text.length >> 8, text.length & 255]);
    socket.write(Buffer.concat([head, text]));
  }

  take(data) {
    if ((data[0] & 15) !== 1) return;
    const short = data[1] & 127;
    const at = short === 126 ? 4 : 2;
    const length = short === 126 ? data.readUInt16BE(2) : short;
    const mask = data.subarray(at, at + 4);
    const text = Buffer.from(data.subarray(at + 4, at + 4 + length).map((byte, index) => byte ^ mask[index & 3])).toString();
    const message = JSON.parse(text);
    if (message.type === "watch") this.watched = message.queues;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.argv[2] ?? 8261);
  makeServer().listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/console/`));
}
