import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ApiError } from "../api/client";
import { age, dateTime } from "../lib/format";
import { Icon, type IconName } from "./icons";

export type Tone = "neutral" | "good" | "warning" | "danger" | "accent";

interface ButtonProps {
  children?: ComponentChildren;
  icon?: IconName;
  kind?: "plain" | "primary" | "danger" | "quiet";
  type?: "button" | "submit";
  disabled?: boolean;
  busy?: boolean;
  label?: string;
  pressed?: boolean;
  small?: boolean;
  onClick?: (event: MouseEvent) => void;
}

export function Button({ children, icon, kind = "plain", type = "button", disabled, busy, label, pressed, small, onClick }: ButtonProps) {
  const classes = ["button", kind, small && "small", !children && "icon-only"].filter(Boolean).join(" ");
  return (
    <button
      class={classes}
      type={type}
      disabled={disabled || busy}
      aria-busy={busy}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      onClick={onClick}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children && <span>{children}</span>}
    </button>
  );
}

export function LinkButton({
  href,
  icon,
  kind = "plain",
  children,
}: {
  href: string;
  icon?: IconName;
  kind?: "plain" | "primary";
  children: ComponentChildren;
}) {
  return (
    <a class={`button ${kind}`} href={href}>
      {icon && <Icon name={icon} />}
      <span>{children}</span>
    </a>
  );
}

export function Badge({ tone = "neutral", children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** The time of now, which moves on every few seconds so that ages stay true. */
export function useNow(everyMs = 5000): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

export function Time({ at }: { at: string | null | undefined }) {
  if (!at) return <span class="muted">–</span>;
  return (
    <time dateTime={at} title={at} class="figure">
      {dateTime(at)}
    </time>
  );
}

export function Age({ at, ago = true }: { at: string | null | undefined; ago?: boolean }) {
  const now = useNow();
  if (!at) return <span class="muted">–</span>;
  return (
    <time dateTime={at} title={dateTime(at)} class="figure">
      {age(at, now)}
      {ago ? " ago" : ""}
    </time>
  );
}

export function PageHead({
  title,
  about,
  children,
  badge,
}: {
  title: ComponentChildren;
  about?: ComponentChildren;
  badge?: ComponentChildren;
  children?: ComponentChildren;
}) {
  return (
    <header class="page-head">
      <div class="page-title">
        <h1>
          {title}
          {badge}
        </h1>
        {about && <p class="muted">{about}</p>}
      </div>
      {children && <div class="actions">{children}</div>}
    </header>
  );
}

export function Card({
  title,
  actions,
  children,
  flush,
}: {
  title?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
  flush?: boolean;
}) {
  return (
    <section class={flush ? "card flush" : "card"}>
      {title && (
        <div class="card-head">
          <h2>{title}</h2>
          {actions && <div class="actions">{actions}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

export function KeyValues({ items }: { items: [string, ComponentChildren][] }) {
  return (
    <dl class="key-values">
      {items.map(([key, value]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd>{value === null || value === undefined || value === "" ? <span class="muted">–</span> : value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Figure({ label, value, about }: { label: string; value: ComponentChildren; about?: ComponentChildren }) {
  return (
    <div class="tile">
      <div class="tile-label">{label}</div>
      <div class="tile-value">{value}</div>
      {about && <div class="tile-about">{about}</div>}
    </div>
  );
}

export function Empty({ icon = "check", title, children }: { icon?: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={icon} size={22} />
      </span>
      <p class="empty-title">{title}</p>
      {children && <div class="empty-text">{children}</div>}
    </div>
  );
}

export function Failure({ error, retry }: { error: ApiError; retry?: () => void }) {
  // What somebody may not see has not failed.
  if (error.status === 403)
    return (
      <Empty icon="lock" title="Not for your role">
        {error.detail || error.title}
      </Empty>
    );
  return (
    <div class="empty failure" role="alert">
      <span class="empty-icon">
        <Icon name="warning" size={22} />
      </span>
      <p class="empty-title">{error.title}</p>
      <div class="empty-text">
        {error.detail && error.detail !== error.title && <p>{error.detail}</p>}
        <p class="muted">
          <code>{error.code}</code>
          {error.status > 0 && ` · HTTP ${error.status}`}
        </p>
        {retry && (
          <Button icon="refresh" onClick={retry}>
            Try again
          </Button>
        )}
      </div>
    </div>
  );
}

export function Notice({ tone = "neutral", children }: { tone?: Tone; children: ComponentChildren }) {
  return (
    <div class={`notice ${tone}`} role={tone === "danger" ? "alert" : "note"}>
      <Icon name={tone === "good" ? "check" : tone === "neutral" ? "help" : "warning"} />
      <div>{children}</div>
    </div>
  );
}

export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div class="skeletons" aria-busy="true" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} class={`skeleton w${(index % 4) + 1}`} />
      ))}
    </div>
  );
}

export function Progress({ value, of, label }: { value: number; of: number | null; label: string }) {
  if (of === null || of === 0) return <progress aria-label={label} />;
  return <progress aria-label={label} value={Math.min(value, of)} max={of} />;
}

export function Tabs({
  tabs,
  current,
  label,
}: {
  tabs: { id: string; title: string; href: string; count?: string }[];
  current: string;
  label: string;
}) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <a key={tab.id} href={tab.href} aria-current={tab.id === current ? "page" : undefined}>
          {tab.title}
          {tab.count !== undefined && <span class="tab-count">{tab.count}</span>}
        </a>
      ))}
    </nav>
  );
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return <Button kind="quiet" small icon={done ? "check" : "copy"} label={done ? "Copied" : label} onClick={() => void copy()} />;
}
