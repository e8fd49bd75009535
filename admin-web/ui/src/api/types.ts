// The schemas of schemas/openapi.yaml by their names there; test/types.test.ts compares them.

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code: string;
}

export type Role = "application" | "administrator" | "operator" | "auditor";
export const actions = [
  "send",
  "receive",
  "browse",
  "read-body",
  "create",
  "move",
  "delete",
  "purge",
  "resolve-xa",
  "view",
  "pause",
  "close",
  "audit",
  "administer",
] as const;
export type Action = (typeof actions)[number];
export interface Session {
  user: string;
  role: Role;
  csrfToken: string;
  expiresAt: string;
  idleTimeoutMs: number;
  confirmedUntil: string | null;
  mayDo: Action[];
}
export interface User {
  name: string;
  role: Role;
}
export interface Grantee {
  kind: "user" | "role";
  name: string;
}
export interface Permission {
  id: string;
  grantee: Grantee;
  pattern: string;
  actions: Action[];
  createdAt: string;
  createdBy: string;
}
export interface PermissionCheck {
  allowed: boolean;
  because: string;
  permission: string | null;
}
export interface RoleDescription {
  name: Role;
  mayDo: Action[];
}
export interface AuditRecord {
  number: number;
  at: string;
  user: string;
  peer: string;
  protocol: string;
  action: string;
  object: string;
  outcome: string;
  detail: string;
  hash: string;
}
export interface AuditVerification {
  intact: boolean;
  records: number;
  firstBad: number | null;
  head: string;
}

export interface QueueSettings {
  maxMessages?: number;
  maxBytes?: number;
  overflow?: "refuse" | "hold";
  maxDeliveries?: number;
  deadLetterQueue?: string;
  duplicateIdsMax?: number;
  duplicateIdsAgeMs?: number;
  strict?: boolean;
}
export interface Paused {
  send: boolean;
  receive: boolean;
}
export interface Queue extends Required<QueueSettings> {
  name: string;
  messages: number;
  bytes: number;
  delivering: number;
  oldestArrivedAt?: string;
  windowMessages: number;
  consumers: number;
  producers: number;
  selectors: number;
  paused: Paused;
  origin: "configured" | "administrator" | "automatic" | "temporary";
  enqueued: number;
  delivered: number;
  redelivered: number;
  acknowledged: number;
  expired: number;
  deadLettered: number;
  duplicates: number;
  quarantined: number;
  selectorsOverBudget: number;
  createdAt: string;
}

export interface DeadLetter {
  reason: string;
  description: string;
  origin: string;
  at: string;
  count: number;
}
export interface Property {
  name: string;
  type: string;
  value: string | number | boolean | null;
  truncated?: boolean;
}
export interface MessageSummary {
  id: string;
  messageId: string | null;
  correlationId: string | null;
  type: string;
  priority: number;
  durable: boolean;
  arrivedAt: string;
  expiresAt: string | null;
  deliveryCount: number;
  state: "available" | "delivering" | "prepared" | "scheduled" | "damaged";
  bytes: number;
  contentType: string | null;
  groupId: string | null;
  userId: string | null;
  deadLetter: DeadLetter | null;
  properties: Property[];
  propertiesLeftOut: number;
}
export interface MessagePage extends Page<MessageSummary> {
  searched: number;
}
export interface Body {
  kind: "text" | "bytes" | "map" | "list" | "object" | "empty";
  encoding: "text" | "base64";
  text?: string;
  base64?: string;
  bytes: number;
  truncated: boolean;
  looksLike: "xml" | "json" | "text" | "binary";
}
export interface Message extends MessageSummary {
  queue: string;
  subject: string | null;
  to: string | null;
  replyTo: string | null;
  createdAt: string | null;
  groupSequence: number | null;
  annotations: Property[];
  body: Body | null;
  bodyWithheld?: boolean;
}
export interface NewMessage {
  messageId?: string;
  correlationId?: string;
  type?: string;
  groupId?: string;
  replyTo?: string;
  priority?: number;
  durable?: boolean;
  timeToLiveMs?: number;
  contentType?: string;
  properties?: { name: string; type: string; value: string | number | boolean }[];
  body?: { kind: "text" | "bytes"; text?: string; base64?: string };
}
export interface Sent {
  id: string | null;
  messageId?: string;
  duplicate: boolean;
}
/** Which messages: one of ids, selector, all. */
export interface ChangeMessages {
  ids?: string[];
  selector?: string;
  syntax?: "sql" | "xml";
  all?: true;
  limit?: number;
  dryRun?: boolean;
}
export interface MoveMessages extends ChangeMessages {
  to: string;
}
export interface MessagesDone {
  done: number;
  failed: { id: string; code: string }[];
}
export interface DryRun {
  matched: number;
  bytes: number;
  complete: boolean;
}
export interface Operation {
  id: string;
  kind: "move" | "copy" | "retry" | "delete";
  queue: string;
  to: string | null;
  state: "running" | "done" | "failed" | "cancelled";
  matched: number | null;
  done: number;
  skipped: number;
  failed: number;
  startedAt: string;
  endedAt: string | null;
  by: string;
  error: string | null;
}

export interface Connection {
  id: number;
  peer: string;
  encrypted: boolean;
  containerId: string;
  user: string;
  sessions: number;
  consumers: number;
  producers: number;
  messagesIn: number;
  messagesOut: number;
}
export interface AmqpSession {
  number: number;
  consumers: number;
  producers: number;
  controlLinks: number;
  transactions: number;
  unsettledIn: number;
  unsettledOut: number;
  bytesUnread: number;
  bytesUnwritten: number;
}
export interface ConnectionDetail extends Connection {
  sessionList: AmqpSession[];
  consumerList: Consumer[];
  producerList: Producer[];
}
export interface Consumer {
  id: number;
  connectionId: number;
  user: string;
  linkName: string;
  queue: string;
  browser: boolean;
  selector: string | null;
  credit: number;
  unacknowledged: number;
  delivered: number;
  acknowledged?: number;
  since: string;
}
export interface Producer {
  id: number;
  connectionId: number;
  user: string;
  linkName: string;
  queue: string | null;
  sent: number;
  credit: number;
  since: string;
}

export interface Selector {
  name: string;
  origin: "configured" | "administrator";
  changedAt?: string;
  text?: string;
}

export interface Transaction {
  xid: string;
  formatId: number;
  formatName: string;
  description: string;
  state: "prepared" | "heuristically-committed" | "heuristically-rolled-back";
  owner: string;
  preparedAt: string;
  ageMs: number;
  puts: number;
  gets: number;
  bytes: number;
  destinations: { name: string; puts: number; gets: number }[];
  decidedAt?: string;
  decidedBy?: string;
  reason?: string;
}
export interface TransactionMessage {
  work: "put" | "get";
  destination: string;
  messageId: string;
  type: string;
  arrivedAt: string;
  bytes: number;
}

export interface Alarm {
  id: string;
  kind: "in-doubt-age" | "dead-letter-depth" | "commit-latency" | "disk" | "certificate-expiry" | "revocation-list" | "memory";
  severity: "warning" | "critical";
  object: string;
  text: string;
  since: string;
  value: number;
  threshold: number;
}
export interface Certificate {
  listener: string;
  subject: string;
  issuer: string;
  notAfter: string;
  daysLeft: number;
}
export interface Overview {
  name: string;
  version: string;
  state: "starting" | "ready" | "stopping" | "failed";
  reason: string;
  startedAt: string;
  uptimeMs: number;
  connections: number;
  queues: number;
  messages: number;
  consumers: number;
  producers: number;
  memoryBytes: number;
  enqueued: number;
  delivered: number;
  redelivered: number;
  acknowledged: number;
  expired: number;
  deadLettered: number;
  duplicates: number;
  quarantined: number;
  transactionsInDoubt: number;
  store: {
    writable: boolean;
    diskFull: boolean;
    freeBytes: number;
    walBytes: number;
    storeBytes: number;
    checkpoints: number;
    commits: number;
    units: number;
    refusedUnits: number;
    commitNanoseconds: number;
    commitNanosecondsMax: number;
    lastMinute?: { commits: number; p50Us: number; p99Us: number; maxUs: number };
  };
  alarms?: Alarm[];
  certificates?: Certificate[];
}

export const seriesNames = [
  "enqueuedRate",
  "deliveredRate",
  "acknowledgedRate",
  "messages",
  "bytes",
  "commitP99Us",
  "walBytes",
  "diskFreeBytes",
  "memoryBytes",
  "connections",
] as const;
export type SeriesName = (typeof seriesNames)[number];
export interface History {
  stepMs: number;
  from: string;
  series: Partial<Record<SeriesName, (number | null)[]>>;
}
export interface EventSample extends Record<SeriesName, number> {
  type: "sample";
  at: string;
}
export interface QueueFigures {
  name: string;
  messages: number;
  bytes: number;
  delivering: number;
  consumers: number;
  producers: number;
  enqueuedRate: number;
  deliveredRate: number;
}
export interface EventOperation {
  type: "operation";
  item: Operation;
}
export type LiveEvent = EventSample | EventOperation | { type: "alarms"; items: Alarm[] } | { type: "queues"; items: QueueFigures[] };

export interface Change {
  kind: "create" | "update" | "delete";
  object: string;
  name: string;
  before: Record<string, string> | null;
  after: Record<string, string> | null;
  outcome: "planned" | "done" | "refused" | "skipped";
  problem: Problem | null;
}
/** Answers without a name of their own in the description. */
export interface Reloaded {
  applied: string[];
  needsRestart: string[];
}
export interface Backup {
  path: string;
  bytes: number;
}
export interface Changes {
  changes: Change[];
}
export interface Applied extends Changes {
  done: number;
  failed: Problem | null;
}
