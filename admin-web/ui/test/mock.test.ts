import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { description, resolve, templateOf, violations } from "./openapi";

// The mock must not promise what the API does not have: each of its answers is held against the description.

interface MockServer {
  listen(port: number, host: string, done: () => void): void;
  close(): void;
  closeAllConnections(): void;
  address(): AddressInfo;
}

let server: MockServer;
let origin = "";
const headers: Record<string, string> = { "Content-Type": "application/json" };

before(async () => {
  const mock = (await import(`${process.env.CONSOLE_ROOT!}/mock/server.mjs`)) as { makeServer: () => MockServer };
  server = mock.makeServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${server.address().port}/api/v1/`;
  const login = await fetch(`${origin}session`, {
    method: "POST",
    headers,
    body: JSON.stringify({ user: "admin", password: "correct horse" }),
  });
  headers.Cookie = login.headers.get("Set-Cookie")!.split(";")[0]!;
  headers["X-CSRF-Token"] = ((await login.json()) as { csrfToken: string }).csrfToken;
  await fetch(`${origin}session/confirm`, { method: "POST", headers, body: JSON.stringify({ password: "correct horse" }) });
});

after(() => {
  server.closeAllConnections();
  server.close();
});

const xid = "131077:6769726f2d74782d3030343231:6272616e63682d31";
const exchanges: [method: string, path: string, body?: unknown][] = [
  ["GET", "session"],
  ["GET", "overview"],
  ["GET", "alarms"],
  ["GET", "history?range=1d"],
  ["GET", "queues?limit=50&sort=-messages"],
  ["GET", "queues/payments.in"],
  ["PUT", "queues/new.queue", { maxMessages: 5 }],
  ["POST", "queues/new.queue/pause", { send: true }],
  ["GET", "queues/payments.in/messages?limit=20"],
  ["GET", "queues/DLQ/messages?selector=currency%20%3D%20'EUR'"],
  ["GET", "queues/DLQ/messages/5"],
  ["GET", "queues/payments.in/messages/5?body=text"],
  ["POST", "queues/payments.out/messages", { body: { kind: "text", text: "a" } }],
  ["POST", "queues/DLQ/messages/retry", { ids: ["1", "2"] }],
  ["POST", "queues/DLQ/messages/move", { all: true, to: "empty", dryRun: true }],
  ["POST", "queues/DLQ/messages/move", { all: true, to: "empty" }],
  ["GET", "operations"],
  ["GET", "operations/1"],
  ["DELETE", "operations/1"],
  ["GET", "connections"],
  ["GET", "consumers"],
  ["GET", "consumers/20"],
  ["GET", "producers"],
  ["GET", "transactions"],
  ["GET", `transactions/${xid}`],
  ["GET", `transactions/${xid}/messages`],
  ["GET", "selectors"],
  ["GET", "selectors/urgentEur"],
  ["PUT", "selectors/made", { text: "a = 1" }],
  ["GET", "users"],
  ["PUT", "users/made", { role: "application", password: "long enough" }],
  ["GET", "roles"],
  ["GET", "permissions"],
  ["GET", "permissions/check?user=payments-app&action=send&destination=payments.in"],
  ["POST", "permissions", { grantee: { kind: "user", name: "made" }, pattern: "a.#", actions: ["send"] }],
  ["GET", "audit?limit=5"],
  ["GET", "audit/verify"],
  ["POST", "configuration/diff"],
  ["POST", "configuration/reload"],
  ["POST", "backup", { file: "a.db" }],
  ["POST", "configuration/apply"],
  ["POST", "queues/DLQ/purge"],
  ["GET", "queues/nothing"],
];

test("the mock has no routes that are not described", async () => {
  const { routes } = (await import(`${process.env.CONSOLE_ROOT!}/mock/routes.mjs`)) as { routes: [string, string, unknown][] };
  assert.ok(routes.length > 40);
  for (const [method, pattern] of routes) {
    const template = templateOf(pattern);
    assert.ok(template && description.paths[template]![method.toLowerCase()], `${method} ${pattern} is not described`);
  }
});

for (const [method, path, body] of exchanges) {
  test(`the mock answers ${method} ${path.split("?")[0]} as described`, async () => {
    const template = templateOf(path);
    assert.ok(template, `${path} is not described`);
    const operation = description.paths[template]![method.toLowerCase()];
    assert.ok(operation, `${method} ${template} is not described`);
    const allowed = new Set(
      (operation.parameters ?? [])
        .map((parameter) => resolve(parameter))
        .filter((parameter) => parameter.in === "query")
        .map((parameter) => parameter.name),
    );
    for (const name of new URLSearchParams(path.split("?")[1] ?? "").keys())
      assert.ok(allowed.has(name), `${template} has no parameter ${name}`);
    const answer = await fetch(origin + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const response = operation.responses[String(answer.status)];
    assert.ok(response, `${method} ${template} has no answer ${answer.status}: ${await answer.clone().text()}`);
    const content = resolve(response).content ?? {};
    const type = answer.headers.get("Content-Type")!.split(";")[0]!;
    assert.ok(content[type], `${template} does not answer ${type}`);
    assert.equal(
      violations(await answer.json(), content[type].schema ?? {})
        .slice(0, 5)
        .join("\n"),
      "",
    );
  });
}
