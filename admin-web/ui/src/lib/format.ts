// How figures and times are written. The locale is fixed, so that two people who compare screens see the same.

const whole = new Intl.NumberFormat("en-GB");
const oneDecimal = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 });

export function count(value: number): string {
  return whole.format(value);
}

/** 1234567 -> "1.23 M": for tiles and axes, where the order of magnitude matters. */
export function compact(value: number): string {
  const size = Math.abs(value);
  for (const [limit, unit] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e4, "k"],
  ] as const) {
    if (size >= limit) return `${significant(value / (unit === "k" ? 1e3 : limit))} ${unit}`;
  }
  return Number.isInteger(value) ? whole.format(value) : oneDecimal.format(value);
}

function significant(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

export function bytes(value: number): string {
  if (Math.abs(value) < 1024) return `${whole.format(Math.round(value))} B`;
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
  let scaled = value / 1024;
  let unit = 0;
  while (Math.abs(scaled) >= 1000 && unit < units.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return `${significant(scaled)} ${units[unit]}`;
}

export function rate(value: number): string {
  return `${compact(Math.round(value * 10) / 10)}/s`;
}

export function microseconds(value: number): string {
  if (value < 1000) return `${Math.round(value)} µs`;
  return milliseconds(value / 1000);
}

function milliseconds(value: number): string {
  if (value < 1000) return `${significant(value)} ms`;
  return `${significant(value / 1000)} s`;
}

/** "3 d 4 h", "12 min", "8 s": two units at most, the smaller one cut. */
export function duration(ms: number): string {
  if (ms < 1000) return ms < 1 ? "0 s" : `${Math.floor(ms)} ms`;
  const units: [number, string][] = [
    [86_400_000, "d"],
    [3_600_000, "h"],
    [60_000, "min"],
    [1000, "s"],
  ];
  const first = units.findIndex(([size]) => ms >= size);
  const [size, unit] = units[first]!;
  const text = `${Math.floor(ms / size)} ${unit}`;
  const next = units[first + 1];
  if (!next || unit === "min") return text;
  const rest = Math.floor((ms % size) / next[0]);
  return rest > 0 ? `${text} ${rest} ${next[1]}` : text;
}

export function age(time: string, now: number): string {
  return duration(Math.max(0, now - Date.parse(time)));
}

/** "2026-11-22 02:31:16": local time, sortable, no month names to translate. */
export function dateTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  return `${day(date)} ${clock(date)}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function day(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function clock(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}
