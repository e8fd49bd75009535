import { useEffect, useRef, useState } from "preact/hooks";
import { get, path } from "./client";
import { useResource, type Resource } from "./resource";
import {
  seriesNames,
  type Alarm,
  type EventSample,
  type History,
  type LiveEvent,
  type Operation,
  type Overview,
  type QueueFigures,
  type SeriesName,
} from "./types";

// The live figures: one WebSocket for the whole console, and a poll of the overview where there is none (a proxy that does not let
// it pass).

export type LiveState = "connecting" | "live" | "polling" | "lost";
export interface Ring {
  /** Seconds since 1970, oldest first, and for each series a value per time. */
  times: number[];
  values: Record<SeriesName, (number | null)[]>;
}

const ringMax = 3600;
const pollMs = 2000;
const operationsMax = 200;

class Live {
  state: LiveState = "connecting";
  alarms: Alarm[] | null = null;
  last: EventSample | null = null;
  ring: Ring = emptyRing();
  figures = new Map<string, QueueFigures>();
  /** What has been told of operations, and how often one of them has begun or ended. */
  operations = new Map<string, Operation>();
  operationChanges = 0;
  private listeners = new Set<() => void>();
  private socket: WebSocket | null = null;
  private timer = 0;
  private failures = 0;
  private watched: string[] = [];
  private before: { at: number; overview: Overview } | null = null;
  private running = false;

  start(): void {
    if (this.running) return;
    this.running = true;
    this.ring = emptyRing();
    this.alarms = this.last = this.before = null;
    this.figures = new Map();
    this.operations = new Map();
    this.loadHistory();
    this.connect();
  }

  stop(): void {
    this.running = false;
    clearTimeout(this.timer);
    this.socket?.close();
    this.socket = null;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  watch(names: string[]): void {
    this.watched = names.slice(0, 50);
    this.sendWatch();
  }

  private sendWatch(): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    let queues = this.watched;
    // The broker takes texts of 4 KiB: with very long names only the first rows are live.
    while (JSON.stringify({ type: "watch", queues }).length > 4000) queues = queues.slice(0, -1);
    this.socket.send(JSON.stringify({ type: "watch", queues }));
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }

  private connect(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/events`);
    this.socket = socket;
    socket.onopen = () => {
      this.failures = 0;
      this.state = "live";
      if (this.watched.length > 0) this.sendWatch();
      this.tell();
    };
    socket.onmessage = (event) => this.take(JSON.parse(String(event.data)) as LiveEvent);
    socket.onclose = () => {
      if (!this.running || this.socket !== socket) return;
      this.socket = null;
      this.failures++;
      void this.poll();
    };
  }

  private take(event: LiveEvent): void {
    if (event.type === "sample") {
      this.last = event;
      append(this.ring, Date.parse(event.at) / 1000, event);
    } else if (event.type === "alarms") {
      this.alarms = event.items;
    } else if (event.type === "operation") {
      this.takeOperation(event.item);
    } else if (event.type === "queues") {
      this.figures = new Map(event.items.map((item) => [item.name, item]));
    }
    this.tell();
  }

  private takeOperation(item: Operation): void {
    if (this.operations.get(item.id)?.state !== item.state) this.operationChanges++;
    this.operations.set(item.id, item);
    if (this.operations.size > operationsMax) this.operations.delete(this.operations.keys().next().value!);
  }

  private async loadHistory(): Promise<void> {
    try {
      const history = await get<History>(path(["history"], { range: "1h" }));
      const live = this.ring;
      this.ring = ringOf(history);
      live.times.forEach((time, index) => {
        if (time <= (this.ring.times.at(-1) ?? 0)) return;
        this.ring.times.push(time);
        for (const name of seriesNames) this.ring.values[name].push(live.values[name][index] ?? null);
      });
      this.tell();
    } catch {
      // Without history the charts begin now.
    }
  }

  /** While there is no socket: the overview every two seconds, and now and then another try. */
  private async poll(): Promise<void> {
    clearTimeout(this.timer);
    try {
      const overview = await get<Overview>(path(["overview"]));
      this.state = "polling";
      this.takeOverview(overview);
    } catch {
      this.state = "lost";
    }
    this.tell();
    if (!this.running) return;
    this.failures++;
    this.timer = window.setTimeout(() => (this.failures % 5 === 0 ? this.connect() : void this.poll()), pollMs);
  }

  private takeOverview(overview: Overview): void {
    const at = Date.now();
    const before = this.before;
    this.before = { at, overview };
    this.alarms = overview.alarms ?? [];
    const seconds = before ? Math.max(0.001, (at - before.at) / 1000) : 1;
    const perSecond = (name: "enqueued" | "delivered" | "acknowledged") =>
      before ? Math.max(0, overview[name] - before.overview[name]) / seconds : 0;
    const sample: EventSample = {
      type: "sample",
      at: new Date(at).toISOString(),
      enqueuedRate: perSecond("enqueued"),
      deliveredRate: perSecond("delivered"),
      acknowledgedRate: perSecond("acknowledged"),
      messages: overview.messages,
      bytes: overview.store.storeBytes,
      commitP99Us: overview.store.lastMinute?.p99Us ?? 0,
      walBytes: overview.store.walBytes,
      diskFreeBytes: overview.store.freeBytes,
      memoryBytes: overview.memoryBytes,
      connections: overview.connections,
    };
    this.last = sample;
    append(this.ring, at / 1000, sample);
  }
}

function emptyRing(): Ring {
  const values = {} as Ring["values"];
  for (const name of seriesNames) values[name] = [];
  return { times: [], values };
}

function append(ring: Ring, time: number, sample: EventSample): void {
  ring.times.push(time);
  for (const name of seriesNames) ring.values[name].push(sample[name]);
  if (ring.times.length <= ringMax) return;
  ring.times.shift();
  for (const name of seriesNames) ring.values[name].shift();
}

export function ringOf(history: History): Ring {
  const ring = emptyRing();
  const length = Math.max(0, ...Object.values(history.series).map((values) => values.length));
  const from = Date.parse(history.from) / 1000;
  for (let index = 0; index < length; index++) ring.times.push(from + (index * history.stepMs) / 1000);
  for (const name of seriesNames) ring.values[name] = history.series[name] ?? new Array<null>(length).fill(null);
  return ring;
}

export const live = new Live();

/** Draws the component again with each event. */
export function useLive(): Live {
  const [, setTurn] = useState(0);
  useEffect(() => live.subscribe(() => setTurn((turn) => turn + 1)), []);
  return live;
}

/** An operation as it is told, or as it was asked for, whichever is later. */
export function latest(asked: Operation): Operation {
  const told = live.operations.get(asked.id);
  if (!told || asked.state !== "running") return asked;
  return told.state !== "running" || told.done + told.skipped + told.failed > asked.done + asked.skipped + asked.failed ? told : asked;
}

/**
 * What is at `target`, where there are operations. While they are told it is asked for when one has begun or ended, and when they are told
 * again, since nobody knows what happened meanwhile; else every `refreshMs`.
 */
export function useOperations<T>(target: string, refreshMs: number): Resource<T> {
  const { operationChanges, state } = useLive();
  const isTold = state === "live";
  const resource = useResource<T>(target, isTold ? 0 : refreshMs);
  const seen = useRef("");
  useEffect(() => {
    const now = `${isTold} ${operationChanges}`;
    // What is shown for the first time has just been asked for.
    if (seen.current !== "" && seen.current !== now) resource.reload();
    seen.current = now;
  }, [isTold, operationChanges]);
  return resource;
}

/** Live figures of these queues while the component is there. */
export function useWatch(names: string[]): Map<string, QueueFigures> {
  const { figures } = useLive();
  const key = names.join("\n");
  useEffect(() => {
    live.watch(names);
    return () => live.watch([]);
  }, [key]);
  return figures;
}
