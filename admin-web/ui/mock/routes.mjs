import { mayDo, Refusal } from "./broker.mjs";

// /api/v1 over the broker that is made up: [method, path, handler]. A handler gets what the path names, the query, the body and the session.

const sorters = {
  name: (one) => one.name,
  messages: (one) => one.messages,
  bytes: (one) => one.bytes,
  consumers: (one) => one.consumers,
  producers: (one) => one.producers,
  oldestArrivedAt: (one) => one.oldestArrivedAt ?? "9999",
  enqueued: (one) => one.enqueued,
  deadLettered: (one) => one.deadLettered,
  id: (one) => one.id,
  messagesIn: (one) => one.messagesIn,
  messagesOut: (one) => one.messagesOut,
};

function sorted(items, sort) {
  const name = (sort ?? "name").replace("-", "");
  const direction = sort?.startsWith("-") ? -1 : 1;
  const key = sorters[name];
  if (!key) throw new Refusal(400, "bad_request", "The request is wrong", `There is no order '${sort}'.`);
  return [...items].sort((one, other) => (key(one) < key(other) ? -direction : key(one) > key(other) ? direction : 0));
}

function page(items, query) {
  const from = Number(query.get("cursor") ?? 0);
  const limit = Number(query.get("limit") ?? 100);
  const shown = items.slice(from, from + limit);
  return { items: shown, nextCursor: from + limit < items.length ? String(from + limit) : null };
}

function holds(text, part) {
  return part === null || text.toLowerCase().includes(part.toLowerCase());
}

/** Understands only NAME = 'VALUE', joined by AND, and "amount > N", which is enough to see lists change; anything else is refused as wrong. */
function matcher(selector) {
  if (selector === null || selector === undefined) return () => true;
  const terms = selector.trim().startsWith("<")
    ? [...selector.matchAll(/<eq><property name="([^"]+)"\/><string v="([^"]*)"\/><\/eq>/g)].map((match) => ["", match[1], "=", match[2]])
    : selector.split(/\s+AND\s+/i).map((term) => /^\s*([\w.]+)\s*(=|>)\s*'?([^']*)'?\s*$/.exec(term));
  if (terms.length === 0 || terms.includes(null))
    throw new Refusal(400, "invalid_selector", "The selector is wrong", "1:1: this is not understood");
  return (summary) =>
    terms.every(([, name, operator, value]) => {
      const property = summary.properties.find((one) => one.name === name)?.value;
      return operator === ">" ? Number(property) > Number(value) : String(property) === value;
    });
}

function dangerous(session) {
  if (!session.confirmedUntil || Date.parse(session.confirmedUntil) < Date.now()) {
    throw new Refusal(403, "confirmation_required", "Confirm with your password", "What is asked for cannot be undone.");
  }
}

function bulk(kind) {
  return ({ broker, session, name, body }) => {
    const queue = broker.queue(name);
    if (body.to) broker.queue(body.to);
    if (body.ids && kind === "delete") dangerous(session);
    if (body.ids) return [200, broker.changeSome(kind, queue, body.to, body.ids)];
    const positions = body.selector ? broker.matching(queue, matcher(body.selector)) : null;
    const matched = positions ? positions.length : queue.messages;
    if (body.dryRun) return [200, { matched, bytes: matched * 1740, complete: matched < 100_000 }];
    if (kind !== "copy") dangerous(session);
    broker.record(session.user, `messages.${kind}`, name);
    return [202, broker.start(kind, queue, body.to, positions ?? matched, session.user)];
  };
}

function list(collection, filter = () => true) {
  return ({ broker, query }) => [
    200,
    page(
      [...broker[collection].values()].filter((one) => filter(one, query)),
      query,
    ),
  ];
}

function one(collection, what) {
  return ({ broker, id }) => {
    const found = broker[collection].get(id);
    if (!found) throw new Refusal(404, "not_found", `There is no such ${what}`);
    return [200, found];
  };
}

function close(collection) {
  return ({ broker, session, id }) => {
    dangerous(session);
    broker[collection].delete(id);
    broker.record(session.user, `${collection.slice(0, -1)}.close`, id);
    return [204];
  };
}

function decide(state) {
  return ({ broker, session, xid, body }) => {
    dangerous(session);
    const branch = broker.transactions.get(xid);
    if (!branch) throw new Refusal(404, "not_found", "There is no such branch");
    broker.record(session.user, state === null ? "transaction.forget" : "transaction.commit", xid, "done", body.reason);
    if (state === null) broker.transactions.delete(xid);
    else
      Object.assign(branch, { state, destinations: [], decidedAt: new Date().toISOString(), decidedBy: session.user, reason: body.reason });
    return [204];
  };
}

const withoutText = ({ text: _text, ...rest }) => rest;

export const routes = [
  ["GET", "overview", ({ broker }) => [200, broker.overview()]],
  ["GET", "alarms", ({ broker }) => [200, { items: broker.alarms(), nextCursor: null }]],
  ["GET", "history", ({ broker, query }) => [200, broker.history(query.get("range") ?? "1h")]],
  [
    "GET",
    "queues",
    ({ broker, query }) => {
      const paused = query.get("state");
      const found = [...broker.queues.values()].filter(
        (queue) =>
          holds(queue.name, query.get("name")) &&
          (!query.get("origin") || queue.origin === query.get("origin")) &&
          (!paused || (queue.paused.send || queue.paused.receive) === (paused === "paused")),
      );
      return [200, page(sorted(found, query.get("sort")), query)];
    },
  ],
  ["GET", "queues/:name", ({ broker, name }) => [200, broker.queue(name), { ETag: broker.tag(name) }]],
  [
    "PUT",
    "queues/:name",
    ({ broker, session, name, body }) => {
      const there = broker.queues.has(name);
      broker.record(session.user, "queue.create", name);
      return [there ? 200 : 201, broker.create(name, body), { ETag: broker.tag(name) }];
    },
  ],
  [
    "PATCH",
    "queues/:name",
    ({ broker, session, name, body, headers }) => {
      if (!headers["if-match"]) throw new Refusal(428, "precondition_required", "If-Match is missing");
      if (headers["if-match"] !== "*" && headers["if-match"] !== broker.tag(name))
        throw new Refusal(412, "precondition_failed", "The settings have changed");
      broker.record(session.user, "queue.change", name);
      return [200, broker.change(name, body), { ETag: broker.tag(name) }];
    },
  ],
  [
    "DELETE",
    "queues/:name",
    ({ broker, session, name, query }) => {
      dangerous(session);
      if (broker.queue(name).consumers > 0 && query.get("evenIfUsed") !== "true")
        throw new Refusal(409, "in_use", "The queue is in use", "It has consumers.");
      broker.queues.delete(name);
      broker.record(session.user, "queue.delete", name);
      return [204];
    },
  ],
  [
    "POST",
    "queues/:name/purge",
    ({ broker, session, name }) => {
      dangerous(session);
      const queue = broker.queue(name);
      const purged = queue.messages - queue.delivering;
      queue.firstPosition = broker.first(queue) + purged;
      Object.assign(queue, { messages: queue.delivering, bytes: queue.delivering * 1740 });
      broker.record(session.user, "queue.purge", name);
      return [200, { purged }];
    },
  ],
  [
    "POST",
    "queues/:name/pause",
    ({ broker, session, name, body }) => {
      const queue = broker.queue(name);
      queue.paused = { ...queue.paused, ...body };
      broker.record(session.user, "queue.pause", name);
      return [200, queue];
    },
  ],
  [
    "GET",
    "queues/:name/messages",
    ({ broker, name, query }) => {
      const queue = broker.queue(name);
      return [
        200,
        broker.browse(
          queue,
          matcher(query.get("selector")),
          Number(query.get("cursor") ?? broker.first(queue)),
          Number(query.get("limit") ?? 100),
        ),
      ];
    },
  ],
  [
    "POST",
    "queues/:name/messages",
    ({ broker, session, name, body }) => {
      const queue = broker.queue(name);
      broker.put(queue, 1);
      broker.record(session.user, "message.send", name);
      return [201, { id: String(broker.first(queue) + queue.messages - 1), messageId: body.messageId ?? "ID:made", duplicate: false }];
    },
  ],
  [
    "GET",
    "queues/:name/messages/:id",
    ({ broker, name, id, query, session }) => {
      const full = broker.full(broker.queue(name), id, Number(query.get("bodyBytesMax") ?? 65_536));
      return [200, session.role === "auditor" ? { ...full, body: null, bodyWithheld: true } : full];
    },
  ],
  [
    "GET",
    "queues/:name/messages/:id/body",
    ({ broker, name, id }) => {
      const { body } = broker.full(broker.queue(name), id, 1 << 24);
      return [
        200,
        body.text ?? Buffer.from(body.base64, "base64"),
        { "Content-Type": "application/octet-stream", "Content-Disposition": `attachment; filename="message-${id}"` },
      ];
    },
  ],
  ["POST", "queues/:name/messages/move", bulk("move")],
  ["POST", "queues/:name/messages/copy", bulk("copy")],
  ["POST", "queues/:name/messages/retry", bulk("retry")],
  ["POST", "queues/:name/messages/delete", bulk("delete")],
  [
    "GET",
    "operations",
    ({ broker, query }) => [
      200,
      page(
        [...broker.operations.values()]
          .reverse()
          .filter(
            (one) => (!query.get("queue") || one.queue === query.get("queue")) && (!query.get("state") || one.state === query.get("state")),
          ),
        query,
      ),
    ],
  ],
  ["GET", "operations/:id", one("operations", "operation")],
  [
    "DELETE",
    "operations/:id",
    ({ broker, id }) => {
      const operation = broker.operations.get(id);
      if (operation.state === "running") operation.state = "cancelled";
      return [200, operation];
    },
  ],
  [
    "GET",
    "connections",
    ({ broker, query }) => [
      200,
      page(
        sorted(
          [...broker.connections.values()].filter(
            (one) =>
              holds(one.containerId, query.get("name")) &&
              (!query.get("user") || one.user === query.get("user")) &&
              holds(one.peer, query.get("peer")),
          ),
          query.get("sort") ?? "id",
        ),
        query,
      ),
    ],
  ],
  [
    "GET",
    "connections/:id",
    ({ broker, id }) => {
      const [, connection] = one("connections", "connection")({ broker, id });
      const mine = (links) => [...links.values()].filter((link) => link.connectionId === connection.id);
      const sessionList = Array.from({ length: connection.sessions }, (_, index) => ({
        number: index + 1,
        consumers: index ? 0 : connection.consumers,
        producers: index ? 0 : connection.producers,
        controlLinks: index,
        transactions: index * 2,
        unsettledIn: index * 12,
        unsettledOut: connection.id * 3,
        bytesUnread: 0,
        bytesUnwritten: connection.id * 512,
      }));
      return [200, { ...connection, sessionList, consumerList: mine(broker.consumers), producerList: mine(broker.producers) }];
    },
  ],
  ["DELETE", "connections/:id", close("connections")],
  [
    "GET",
    "consumers",
    list(
      "consumers",
      (one, query) =>
        (!query.get("queue") || one.queue === query.get("queue")) &&
        (!query.get("connection") || String(one.connectionId) === query.get("connection")),
    ),
  ],
  ["GET", "consumers/:id", one("consumers", "consumer")],
  ["DELETE", "consumers/:id", close("consumers")],
  [
    "GET",
    "producers",
    list(
      "producers",
      (one, query) =>
        (!query.get("queue") || one.queue === query.get("queue")) &&
        (!query.get("connection") || String(one.connectionId) === query.get("connection")),
    ),
  ],
  ["GET", "producers/:id", one("producers", "producer")],
  ["DELETE", "producers/:id", close("producers")],
  ["GET", "transactions", list("transactions")],
  ["GET", "transactions/:xid", ({ broker, xid }) => one("transactions", "branch")({ broker, id: xid })],
  [
    "GET",
    "transactions/:xid/messages",
    ({ broker, xid, query }) => {
      const branch = broker.transactions.get(xid);
      const held =
        branch?.state === "prepared"
          ? Array.from({ length: branch.puts + branch.gets }, (_, index) => ({
              work: index < branch.puts ? "put" : "get",
              destination: index < branch.puts ? "payments.out" : "payments.in",
              messageId: `ID:tx-${index}`,
              type: "pacs.008",
              arrivedAt: branch.preparedAt,
              bytes: 1740,
            }))
          : [];
      return [200, page(held, query)];
    },
  ],
  ["POST", "transactions/:xid/commit", decide("heuristically-committed")],
  ["POST", "transactions/:xid/rollback", decide("heuristically-rolled-back")],
  ["POST", "transactions/:xid/forget", decide(null)],
  ["GET", "selectors", ({ broker, query }) => [200, page([...broker.selectors.values()].map(withoutText), query)]],
  ["GET", "selectors/:name", ({ broker, name }) => one("selectors", "selector")({ broker, id: name })],
  [
    "PUT",
    "selectors/:name",
    ({ broker, name, body }) => {
      if (body.text.includes("=  NULL"))
        throw new Refusal(400, "invalid_selector", "The selector is wrong", "1:1: NULL cannot be compared");
      const made = { name, origin: "administrator", changedAt: new Date().toISOString(), text: body.text };
      broker.selectors.set(name, made);
      return [200, made];
    },
  ],
  [
    "DELETE",
    "selectors/:name",
    ({ broker, name }) => {
      broker.selectors.delete(name);
      return [204];
    },
  ],
  [
    "GET",
    "users",
    ({ broker, query }) => [
      200,
      page(
        [...broker.users]
          .map(([name, role]) => ({ name, role }))
          .filter((one) => holds(one.name, query.get("name")) && (!query.get("role") || one.role === query.get("role"))),
        query,
      ),
    ],
  ],
  [
    "PUT",
    "users/:name",
    ({ broker, session, name, body }) => {
      dangerous(session);
      const there = broker.users.has(name);
      broker.users.set(name, body.role);
      if (body.password) broker.passwords.set(name, body.password);
      broker.record(session.user, there ? "user.change" : "user.create", name);
      return [there ? 200 : 201, { name, role: body.role }];
    },
  ],
  [
    "DELETE",
    "users/:name",
    ({ broker, session, name }) => {
      dangerous(session);
      if (broker.users.get(name) === "administrator") throw new Refusal(409, "last_administrator", "The last administrator stays");
      broker.users.delete(name);
      return [204];
    },
  ],
  ["GET", "roles", () => [200, { items: Object.entries(mayDo).map(([name, actions]) => ({ name, mayDo: actions })), nextCursor: null }]],
  [
    "GET",
    "permissions",
    list("permissions", (one, query) => holds(one.grantee.name, query.get("grantee")) && holds(one.pattern, query.get("pattern"))),
  ],
  [
    "GET",
    "permissions/check",
    ({ broker, query }) => [200, broker.check(query.get("user"), query.get("action"), query.get("destination"))],
  ],
  [
    "POST",
    "permissions",
    ({ broker, session, body }) => {
      dangerous(session);
      return [201, broker.allow(body, session.user)];
    },
  ],
  [
    "DELETE",
    "permissions/:id",
    ({ broker, session, id }) => {
      dangerous(session);
      broker.permissions.delete(id);
      return [204];
    },
  ],
  [
    "GET",
    "audit",
    ({ broker, query }) => [
      200,
      page(
        [...broker.audit]
          .reverse()
          .filter((one) => ["user", "outcome"].every((name) => !query.get(name) || one[name] === query.get(name)))
          .filter((one) => ["action", "object"].every((name) => one[name].startsWith(query.get(name) ?? ""))),
        query,
      ),
    ],
  ],
  [
    "GET",
    "audit/verify",
    ({ broker }) => [200, { intact: true, records: broker.audit.length, firstBad: null, head: broker.audit.at(-1).hash }],
  ],
  [
    "GET",
    "configuration/export",
    () => [
      200,
      '<definitions xmlns="urn:giromq:definitions:1">\n  <queues max-deliveries="10">\n    <queue name="payments.in"/>\n  </queues>\n</definitions>\n',
      { "Content-Type": "application/xml", "Content-Disposition": 'attachment; filename="giromq-definitions.xml"' },
    ],
  ],
  ["POST", "configuration/diff", () => [200, { changes: changes() }]],
  ["POST", "configuration/reload", () => [200, { applied: ["alarms"], needsRestart: [] }]],
  ["POST", "backup", ({ body }) => [200, { path: `backups/${body.file}`, bytes: 3_204_448_256 }]],
  [
    "POST",
    "configuration/apply",
    ({ session }) => {
      dangerous(session);
      return [200, { changes: changes("done"), done: 2, failed: null }];
    },
  ],
];

function changes(outcome = "planned") {
  return [
    { kind: "create", object: "queue", name: "payments.new", before: null, after: { "max-deliveries": "5" } },
    { kind: "update", object: "queue", name: "payments.in", before: { "max-deliveries": "10" }, after: { "max-deliveries": "20" } },
  ].map((change) => ({ ...change, outcome, problem: null }));
}
