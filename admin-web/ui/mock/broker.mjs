import { connections, consumers, fullMessage, makeQueues, message, producers, random, startedAt, transactions } from "./data.mjs";

// A broker that forgets everything when it stops: the state behind the routes, and what changes it.

export class Refusal extends Error {
  constructor(status, code, title, detail = "") {
    super(detail);
    Object.assign(this, { status, code, title, detail });
  }
}

const onQueues = ["send", "receive", "browse", "read-body", "create", "move", "delete", "purge", "resolve-xa", "view", "pause", "close"];
export const mayDo = {
  administrator: [...onQueues, "audit", "administer"],
  operator: onQueues,
  auditor: ["view", "audit"],
  application: [],
};

const minute = 60_000;

export class Broker {
  queues = makeQueues();
  /** queue -> positions that were taken out of it. */
  gone = new Map();
  users = new Map([
    ["admin", "administrator"],
    ["olga", "operator"],
    ["anton", "auditor"],
    ["payments-app", "application"],
    ["ledger-app", "application"],
  ]);
  passwords = new Map([
    ["admin", "correct horse"],
    ["olga", "correct horse"],
    ["anton", "correct horse"],
  ]);
  selectors = new Map([
    [
      "largePayments",
      {
        name: "largePayments",
        origin: "configured",
        text: '<selector xmlns="urn:giromq:selector:1"><gt><property name="amount"/><long v="1000"/></gt></selector>',
      },
    ],
    [
      "urgentEur",
      { name: "urgentEur", origin: "administrator", changedAt: new Date(startedAt).toISOString(), text: "currency = 'EUR' AND urgent" },
    ],
  ]);
  permissions = new Map();
  transactions = new Map(transactions.map((one) => [one.xid, { ...one }]));
  connections = new Map(connections.map((one) => [String(one.id), one]));
  consumers = new Map(consumers.map((one) => [String(one.id), one]));
  producers = new Map(producers.map((one) => [String(one.id), one]));
  operations = new Map();
  audit = [];
  tags = new Map();
  rates = random(7);

  constructor() {
    this.allow({ grantee: { kind: "user", name: "payments-app" }, pattern: "payments.#", actions: ["send", "receive", "browse"] }, "admin");
    this.allow({ grantee: { kind: "user", name: "ledger-app" }, pattern: "ledger.*", actions: ["receive"] }, "admin");
    for (let index = 0; index < 130; index++)
      this.record(index % 9 ? "admin" : "olga", index % 4 ? "queue.change" : "login", `queue-${index}`, index % 13 ? "done" : "refused");
  }

  record(user, action, object, outcome = "done", detail = "") {
    const number = this.audit.length + 1;
    const hash = [...random(number)().toString(16).slice(2).padEnd(16, "0")].join("").repeat(4).slice(0, 64);
    this.audit.push({
      number,
      at: new Date(Date.now() - Math.max(0, 130 - number) * minute).toISOString(),
      user,
      peer: "10.4.0.9",
      protocol: "http",
      action,
      object,
      outcome,
      detail,
      hash,
    });
  }

  queue(name) {
    const found = this.queues.get(name);
    if (!found) throw new Refusal(404, "not_found", "There is no such queue", `There is no queue '${name}'.`);
    return found;
  }

  tag(name) {
    return `"q${this.tags.get(name) ?? 1}"`;
  }

  change(name, settings) {
    const queue = this.queue(name);
    Object.assign(queue, settings);
    this.tags.set(name, (this.tags.get(name) ?? 1) + 1);
    return queue;
  }

  create(name, settings) {
    if (this.queues.has(name)) return this.queues.get(name);
    const now = new Date().toISOString();
    const made = {
      ...this.queue("empty"),
      paused: { send: false, receive: false },
      name,
      enqueued: 0,
      delivered: 0,
      redelivered: 0,
      acknowledged: 0,
      expired: 0,
      createdAt: now,
      ...settings,
    };
    this.queues.set(name, made);
    return made;
  }

  isGone(queue, position) {
    return this.gone.get(queue.name)?.has(position) ?? false;
  }

  first(queue) {
    return queue.firstPosition ?? 1;
  }

  /** Browsing stops after so many looks, as the broker does after 300 ms. */
  browse(queue, matches, from, limit) {
    const items = [];
    let position = from;
    const last = this.first(queue) + queue.messages + (this.gone.get(queue.name)?.size ?? 0) - 1;
    for (let looked = 0; position <= last && items.length < limit && looked < 40_000; position++, looked++) {
      if (this.isGone(queue, position)) continue;
      const { summary } = message(queue, position);
      if (matches(summary)) items.push(summary);
    }
    return { items, nextCursor: position <= last ? String(position) : null, searched: position - from };
  }

  full(queue, id, bytesMax) {
    const position = Number(id);
    const last = this.first(queue) + queue.messages + (this.gone.get(queue.name)?.size ?? 0) - 1;
    if (position < this.first(queue) || position > last || this.isGone(queue, position)) {
      throw new Refusal(404, "not_found", "There is no such message", "It was delivered, moved or deleted.");
    }
    return fullMessage(queue, position, bytesMax);
  }

  take(queue, positions) {
    const gone = this.gone.get(queue.name) ?? new Set();
    positions.forEach((position) => gone.add(position));
    this.gone.set(queue.name, gone);
    queue.messages -= positions.length;
    queue.bytes = queue.messages * 1740;
  }

  put(queue, amount) {
    queue.messages += amount;
    queue.bytes = queue.messages * 1740;
    queue.enqueued += amount;
  }

  /** Some by id: at once. Those that are being delivered are locked. */
  changeSome(kind, queue, to, ids) {
    const failed = [];
    const taken = [];
    for (const id of ids) {
      const position = Number(id);
      if (this.isGone(queue, position)) failed.push({ id, code: "not_found" });
      else if (position <= queue.delivering && kind !== "copy") failed.push({ id, code: "locked" });
      else taken.push(position);
    }
    if (kind !== "copy") this.take(queue, taken);
    if (kind === "retry") this.put(this.queue("payments.out"), taken.length);
    if (to) this.put(this.queue(to), taken.length);
    return { done: taken.length, failed };
  }

  /** The positions of all messages that match, of the first 40,000: who looks further in the mock waits too long. */
  matching(queue, matches) {
    const found = [];
    const last = this.first(queue) + queue.messages + (this.gone.get(queue.name)?.size ?? 0) - 1;
    for (let position = this.first(queue); position <= Math.min(last, this.first(queue) + 40_000); position++) {
      if (!this.isGone(queue, position) && matches(message(queue, position).summary)) found.push(position);
    }
    return found;
  }

  /** What is a number of messages, from the front; or positions. */
  start(kind, queue, to, what, by) {
    const positions = Array.isArray(what) ? what : null;
    const matched = positions ? positions.length : what;
    const id = String(this.operations.size + 1);
    const operation = {
      id,
      kind,
      queue: queue.name,
      to: to ?? null,
      state: "running",
      matched,
      done: 0,
      skipped: 0,
      failed: 0,
      startedAt: new Date().toISOString(),
      endedAt: null,
      by,
      error: null,
    };
    this.operations.set(id, operation);
    const timer = setInterval(() => {
      if (operation.state === "running") {
        const step = Math.min(Math.max(1, Math.ceil(matched / 12)), matched - operation.done);
        operation.done += step;
        if (kind !== "copy" && positions) {
          this.take(queue, positions.splice(0, step));
        } else if (kind !== "copy") {
          queue.messages -= step;
          queue.firstPosition = this.first(queue) + step;
        }
        const target = to ?? (kind === "retry" ? "payments.out" : null);
        if (target) this.put(this.queue(target), step);
        if (operation.done >= matched) operation.state = "done";
      }
      if (operation.state !== "running") {
        operation.endedAt = new Date().toISOString();
        clearInterval(timer);
      }
    }, 150);
    timer.unref();
    return operation;
  }

  allow(permission, by) {
    const id = String(this.permissions.size + 1);
    const made = { id, ...permission, createdAt: new Date().toISOString(), createdBy: by };
    this.permissions.set(id, made);
    return made;
  }

  check(user, action, destination) {
    if (this.users.get(user) === "administrator") return { allowed: true, because: "Administrators may do everything.", permission: null };
    for (const one of this.permissions.values()) {
      const pattern = new RegExp(
        `^${one.pattern
          .split(".")
          .map((word) => (word === "#" ? ".*" : word === "*" ? "[^.]*" : word.replace(/\W/g, "\\$&")))
          .join("\\.")}$`,
      );
      if (one.grantee.name === user && one.actions.includes(action) && pattern.test(destination)) {
        return { allowed: true, because: `A permission allows ${user} to ${action} on ${one.pattern}.`, permission: one.id };
      }
    }
    return { allowed: false, because: `No permission allows ${user} to ${action} on ${destination}.`, permission: null };
  }

  alarms() {
    return [
      {
        id: "in-doubt-age:131077",
        kind: "in-doubt-age",
        severity: "critical",
        object: "",
        text: "A transaction has been in doubt for more than an hour.",
        since: new Date(Date.now() - 540_000).toISOString(),
        value: 4_140_000,
        threshold: 3_600_000,
      },
      {
        id: "dead-letter-depth:DLQ",
        kind: "dead-letter-depth",
        severity: "warning",
        object: "DLQ",
        text: "More than 1,000 messages are in a dead-letter queue.",
        since: new Date(Date.now() - 7_200_000).toISOString(),
        value: 1284,
        threshold: 1000,
      },
    ];
  }

  /** The figures of a second; `at` makes the curves. */
  sample(at) {
    const wave = Math.sin(at / 47_000) * 0.5 + Math.sin(at / 9_100) * 0.2 + this.rates() * 0.25;
    const enqueuedRate = Math.max(0, Math.round(8200 + wave * 3100));
    return {
      enqueuedRate,
      deliveredRate: Math.round(enqueuedRate * 0.99),
      acknowledgedRate: Math.round(enqueuedRate * (0.95 + this.rates() * 0.08)),
      messages: Math.round(1_204_000 + Math.sin(at / 190_000) * 41_000),
      bytes: 2_080_000_000,
      commitP99Us: Math.round(2400 + wave * 700 + (this.rates() < 0.02 ? 9000 : 0)),
      walBytes: Math.round((at / 40) % 16_000_000),
      diskFreeBytes: Math.round(412e9 - ((at / 3) % 4e8)),
      memoryBytes: Math.round(318e6 + wave * 9e6),
      connections: this.connections.size,
    };
  }

  history(range) {
    const stepMs = range === "1d" ? 60_000 : 1000;
    const points = range === "1d" ? 1440 : 3600;
    const now = Math.floor(Date.now() / stepMs) * stepMs;
    const series = {};
    for (let index = 0; index < points; index++) {
      for (const [name, value] of Object.entries(this.sample(now - (points - index) * stepMs))) (series[name] ??= []).push(value);
    }
    return { stepMs, from: new Date(now - points * stepMs).toISOString(), series };
  }

  overview() {
    const figures = this.sample(Date.now());
    return {
      name: "giromq-zurich-1",
      version: "0.1.0",
      state: "ready",
      reason: "",
      startedAt: new Date(startedAt).toISOString(),
      uptimeMs: Date.now() - startedAt,
      connections: this.connections.size,
      queues: this.queues.size,
      messages: figures.messages,
      consumers: this.consumers.size,
      producers: this.producers.size,
      memoryBytes: figures.memoryBytes,
      enqueued: 48_120_441,
      delivered: 46_993_210,
      redelivered: 1204,
      acknowledged: 46_915_902,
      expired: 77,
      deadLettered: 1284,
      duplicates: 31,
      quarantined: 0,
      transactionsInDoubt: this.transactions.size,
      store: {
        writable: true,
        diskFull: false,
        freeBytes: figures.diskFreeBytes,
        walBytes: figures.walBytes,
        storeBytes: 3_204_448_256,
        checkpoints: 8120,
        commits: 1_204_882,
        units: 48_120_441,
        refusedUnits: 0,
        commitNanoseconds: 1_802_000_000_000,
        commitNanosecondsMax: 44_000_000,
        lastMinute: { commits: 24_001, p50Us: 1100, p99Us: figures.commitP99Us, maxUs: 9800 },
      },
      alarms: this.alarms(),
      certificates: [
        {
          listener: "amqps",
          subject: "CN=giromq-zurich-1.bank.example",
          issuer: "CN=Bank Example Issuing CA 3",
          notAfter: new Date(Date.now() + 19 * 86_400_000).toISOString(),
          daysLeft: 19,
        },
        {
          listener: "https",
          subject: "CN=console.bank.example",
          issuer: "CN=Bank Example Issuing CA 3",
          notAfter: new Date(Date.now() + 320 * 86_400_000).toISOString(),
          daysLeft: 320,
        },
      ],
    };
  }
}
