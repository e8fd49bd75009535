// Made-up contents of a broker: ten thousand queues, and as many messages as a queue says it has, which are computed when they are looked at.

export const startedAt = Date.now() - 93_784_000;
const day = 86_400_000;

/** Pseudo-random numbers from a seed, so that every run shows the same. */
export function random(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
}

const systems = ["payments", "settlement", "ledger", "fx", "cards", "treasury", "sepa", "swift", "reporting", "limits"];
const kinds = ["in", "out", "retry", "confirmed", "rejected", "audit", "booking", "netting"];

function queue(name, messages, changes = {}) {
  const next = random(name.length * 7919 + messages + 17);
  return {
    name,
    messages,
    bytes: messages * 1740,
    delivering: Math.min(messages, Math.floor(next() * 12)),
    ...(messages > 0 ? { oldestArrivedAt: new Date(startedAt - Math.floor(next() * day)).toISOString() } : {}),
    windowMessages: Math.min(messages, 4096),
    consumers: Math.floor(next() * 5),
    producers: Math.floor(next() * 4),
    selectors: Math.floor(next() * 3),
    maxMessages: 1_000_000,
    maxBytes: 0,
    overflow: "refuse",
    maxDeliveries: 10,
    deadLetterQueue: "DLQ",
    duplicateIdsMax: 10_000,
    duplicateIdsAgeMs: 600_000,
    strict: false,
    paused: { send: false, receive: false },
    origin: "administrator",
    enqueued: messages * 3,
    delivered: messages * 2 + 40,
    redelivered: Math.floor(next() * 20),
    acknowledged: messages * 2,
    expired: Math.floor(next() * 4),
    deadLettered: 0,
    duplicates: Math.floor(next() * 9),
    quarantined: 0,
    selectorsOverBudget: 0,
    createdAt: new Date(startedAt - 30 * day).toISOString(),
    ...changes,
  };
}

export function makeQueues(total = 10_000) {
  const queues = new Map();
  const add = (one) => queues.set(one.name, one);
  add(queue("payments.in", 1_000_000, { consumers: 8, producers: 14, delivering: 64, maxMessages: 5_000_000 }));
  add(queue("DLQ", 1_284, { consumers: 0, producers: 0, delivering: 0, origin: "configured", deadLetterQueue: "" }));
  add(queue("payments.out", 18_240, { deadLettered: 1_284, consumers: 3 }));
  add(queue("settlement.paused", 5_120, { paused: { send: false, receive: true } }));
  add(queue("empty", 0, { consumers: 0, producers: 0 }));
  add(queue("<img src=x onerror=alert(1)>", 3));
  const next = random(42);
  for (let index = 0; queues.size < total; index++) {
    const system = systems[Math.floor(next() * systems.length)];
    const kind = kinds[Math.floor(next() * kinds.length)];
    add(
      queue(`${system}.${kind}.${String(index).padStart(5, "0")}`, Math.floor(next() ** 6 * 40_000), {
        origin: next() < 0.3 ? "automatic" : "administrator",
      }),
    );
  }
  return queues;
}

const currencies = ["EUR", "CHF", "USD", "GBP", "SEK"];
const types = ["pacs.008", "pacs.002", "camt.053", "pain.001"];

function paymentXml(position, amount, currency) {
  return (
    `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"><FIToFICstmrCdtTrf><GrpHdr><MsgId>MSG-${position}</MsgId>` +
    `<CreDtTm>2026-11-22T02:31:16Z</CreDtTm><NbOfTxs>1</NbOfTxs></GrpHdr><CdtTrfTxInf><PmtId><EndToEndId>E2E-${position}</EndToEndId></PmtId>` +
    `<IntrBkSttlmAmt Ccy="${currency}">${amount}</IntrBkSttlmAmt><ChrgBr>SLEV</ChrgBr><Dbtr><Nm>Müller &amp; Söhne GmbH</Nm></Dbtr><DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>` +
    `<CdtrAgt><FinInstnId><BICFI>BNPAFRPP</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>Société Générale d'Exemple</Nm></Cdtr></CdtTrfTxInf></FIToFICstmrCdtTrf></Document>`
  );
}

/** The message at a position (1 is the first). */
export function message(queue, position) {
  const next = random(position * 2654435761 + queue.name.length);
  const currency = currencies[Math.floor(next() * currencies.length)];
  const amount = (next() * 100_000).toFixed(2);
  const form = position % 7 === 3 ? "json" : position % 11 === 5 ? "bytes" : "xml";
  const dead = queue.name === "DLQ";
  const text =
    form === "json"
      ? JSON.stringify({
          id: position,
          amount: Number(amount),
          currency,
          lines: [
            { sku: "A-1", quantity: 2 },
            { sku: "<script>", quantity: 1 },
          ],
        })
      : paymentXml(position, amount, currency);
  const arrivedAt = new Date(startedAt - day + position * 37).toISOString();
  const properties = [
    { name: "currency", type: "string", value: currency },
    { name: "amount", type: "decimal", value: amount },
    { name: "urgent", type: "boolean", value: next() < 0.1 },
    { name: "branch", type: "int", value: Math.floor(next() * 90) },
  ];
  const summary = {
    id: String(position),
    messageId: `ID:pay-7f3c-${position.toString(16).padStart(8, "0")}`,
    correlationId: `order-${position % 5000}`,
    type: form === "bytes" ? "bytes" : "text",
    priority: position % 50 === 0 ? 9 : 4,
    durable: true,
    arrivedAt,
    expiresAt: null,
    deliveryCount: dead ? 10 : position % 40 === 0 ? 2 : 0,
    state: position <= queue.delivering ? "delivering" : "available",
    bytes: text.length,
    contentType: form === "json" ? "application/json" : form === "xml" ? "application/xml" : null,
    groupId: null,
    userId: "payments-app",
    deadLetter: dead
      ? {
          reason: position % 3 ? "max-deliveries" : "rejected",
          description: "The consumer gave it back ten times.",
          origin: "payments.out",
          at: new Date(Date.parse(arrivedAt) + 5000).toISOString(),
          count: 10,
        }
      : null,
    properties,
    propertiesLeftOut: 0,
  };
  return { summary, form, text };
}

export function fullMessage(queue, position, bytesMax) {
  const { summary, form, text } = message(queue, position);
  const bytes = Buffer.from(text);
  const shown = bytes.subarray(0, bytesMax);
  const body =
    form === "bytes"
      ? {
          kind: "bytes",
          encoding: "base64",
          base64: shown.toString("base64"),
          bytes: bytes.length,
          truncated: shown.length < bytes.length,
          looksLike: "binary",
        }
      : {
          kind: "text",
          encoding: "text",
          text: shown.toString(),
          bytes: bytes.length,
          truncated: shown.length < bytes.length,
          looksLike: form,
        };
  return {
    ...summary,
    queue: queue.name,
    subject: types[position % types.length],
    to: queue.name,
    replyTo: null,
    createdAt: summary.arrivedAt,
    groupSequence: null,
    annotations: [{ name: "x-opt-origin-region", type: "symbol", value: "eu-central" }],
    body,
  };
}

export const transactions = [
  {
    xid: "131077:6769726f2d74782d3030343231:6272616e63682d31",
    formatId: 131077,
    formatName: "Bitronix",
    description: "131077 giro-tx-00421 / branch-1",
    state: "prepared",
    owner: "payments-app",
    preparedAt: new Date(Date.now() - 4_140_000).toISOString(),
    ageMs: 4_140_000,
    puts: 3,
    gets: 2,
    bytes: 5220,
    destinations: [
      { name: "payments.in", puts: 0, gets: 2 },
      { name: "payments.out", puts: 3, gets: 0 },
    ],
  },
  {
    xid: "1:0a1b2c3d4e5f60718293:01ff",
    formatId: 1,
    formatName: "unknown",
    description: "1 0a1b2c3d4e5f60718293 / 01ff",
    state: "heuristically-committed",
    owner: "ledger-app",
    preparedAt: new Date(Date.now() - 90_000_000).toISOString(),
    ageMs: 90_000_000,
    puts: 1,
    gets: 0,
    bytes: 1740,
    destinations: [],
    decidedAt: new Date(Date.now() - 3_600_000).toISOString(),
    decidedBy: "admin",
    reason: "The manager's host is gone; booked by hand.",
  },
];

export const connections = Array.from({ length: 24 }, (_, index) => ({
  id: index + 1,
  peer: `10.4.${index % 8}.${20 + index}:${40_000 + index * 7}`,
  encrypted: index % 5 !== 0,
  containerId: `payments-app-${index}`,
  user: index % 3 ? "payments-app" : "ledger-app",
  sessions: 1 + (index % 2),
  consumers: index % 3,
  producers: 1,
  messagesIn: 12_000 * index,
  messagesOut: 9_000 * index,
}));

export const consumers = connections
  .filter((one) => one.consumers > 0)
  .flatMap((one) =>
    Array.from({ length: one.consumers }, (_, index) => ({
      id: one.id * 10 + index,
      connectionId: one.id,
      user: one.user,
      linkName: `receiver-${one.id}-${index}`,
      queue: index ? "payments.out" : "payments.in",
      browser: false,
      selector: index ? "currency = 'EUR' AND amount > 1000" : null,
      credit: 500,
      unacknowledged: (one.id * 7) % 60,
      delivered: one.messagesOut,
      acknowledged: one.messagesOut,
      since: new Date(startedAt + one.id * 60_000).toISOString(),
    })),
  );

export const producers = connections.map((one) => ({
  id: one.id * 100,
  connectionId: one.id,
  user: one.user,
  linkName: `sender-${one.id}`,
  queue: one.id % 6 === 0 ? null : "payments.in",
  sent: one.messagesIn,
  credit: 1000,
  since: new Date(startedAt + one.id * 60_000).toISOString(),
}));
