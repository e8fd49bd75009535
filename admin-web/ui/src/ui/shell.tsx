import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useLive } from "../api/live";
import { useMay, useSession } from "../api/session";
import type { Session } from "../api/types";
import { href, usePlace } from "../router";
import { Button } from "./basics";
import { Help } from "./help";
import { Icon, type IconName } from "./icons";
import { handleKey } from "./keyboard";
import { PasswordDialog } from "./password_dialog";
import { chooseTheme, themeChoice, useTheme, type Choice } from "./theme";

interface Entry {
  path: string;
  title: string;
  icon: IconName;
  /** Paths of pages that belong to it. */
  also?: string[];
}

const groups: { title: string; entries: Entry[] }[] = [
  {
    title: "",
    entries: [
      { path: "/", title: "Overview", icon: "overview" },
      { path: "/queues", title: "Queues", icon: "queue", also: ["/queue"] },
      { path: "/transactions", title: "In doubt", icon: "transaction", also: ["/transaction"] },
      { path: "/operations", title: "Operations", icon: "operation" },
    ],
  },
  {
    title: "Clients",
    entries: [
      { path: "/connections", title: "Connections", icon: "connection", also: ["/connection"] },
      { path: "/consumers", title: "Consumers", icon: "consumer" },
      { path: "/producers", title: "Producers", icon: "producer" },
      { path: "/selectors", title: "Selectors", icon: "selector" },
    ],
  },
  {
    title: "Access",
    entries: [
      { path: "/users", title: "Users", icon: "user" },
      { path: "/roles", title: "Roles", icon: "role" },
      { path: "/permissions", title: "Permissions", icon: "permission" },
      { path: "/audit", title: "Audit log", icon: "audit" },
    ],
  },
  {
    title: "Broker",
    entries: [
      { path: "/configuration", title: "Configuration", icon: "configuration" },
      { path: "/certificates", title: "Certificates", icon: "certificate" },
    ],
  },
];

const liveTexts = { connecting: "Connecting", live: "Live", polling: "Polling", lost: "No answer" } as const;
const themeIcons: Record<Choice, IconName> = { auto: "auto", light: "sun", dark: "moon" };
const nextTheme: Record<Choice, Choice> = { auto: "light", light: "dark", dark: "auto" };

interface ShellProps {
  children: ComponentChildren;
  onLogOut: () => void;
  onSession: (session: Session) => void;
}

export function Shell({ children, onLogOut, onSession }: ShellProps) {
  const [help, setHelp] = useState(false);
  const [password, setPassword] = useState(false);
  const [menu, setMenu] = useState(false);
  const place = usePlace();
  useEffect(() => {
    const listener = (event: KeyboardEvent) => handleKey(event, () => setHelp(true));
    document.addEventListener("keydown", listener);
    return () => document.removeEventListener("keydown", listener);
  }, []);
  useEffect(() => setMenu(false), [place.path]);
  return (
    <div class={menu ? "shell menu-open" : "shell"}>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <Sidebar path={place.path} onHelp={() => setHelp(true)} onPassword={() => setPassword(true)} onLogOut={onLogOut} />
      <div class="menu-button">
        <Button kind="quiet" icon="menu" label="Menu" pressed={menu} onClick={() => setMenu(!menu)} />
      </div>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      {help && <Help onClose={() => setHelp(false)} />}
      {password && <PasswordDialog onClose={() => setPassword(false)} onChanged={onSession} />}
    </div>
  );
}

interface SidebarProps {
  path: string;
  onHelp: () => void;
  onPassword: () => void;
  onLogOut: () => void;
}

function Sidebar({ path, onHelp, onPassword, onLogOut }: SidebarProps) {
  const session = useSession();
  return (
    <aside class="sidebar">
      <a class="brand" href={href("/")} aria-label="GiroMQ, overview">
        <Mark />
        <span>GiroMQ</span>
      </a>
      <nav aria-label="Pages">
        {groups.map((group) => (
          <div key={group.title} class="nav-group">
            {group.title && <div class="nav-title">{group.title}</div>}
            {group.entries.map((entry) => (
              <NavLink key={entry.path} entry={entry} path={path} />
            ))}
          </div>
        ))}
      </nav>
      <div class="sidebar-foot">
        <LiveState />
        <div class="who">
          <div class="who-name" title={session.user}>
            {session.user}
          </div>
          <div class="muted">{session.role}</div>
        </div>
        <div class="foot-buttons">
          <ThemeButton />
          <Button kind="quiet" icon="help" label="Keyboard help" onClick={onHelp} />
          {/* Without a token nobody has logged in here (a broker for developers), so there is no password. */}
          {session.csrfToken !== "" && <Button kind="quiet" icon="lock" label="Change your password" onClick={onPassword} />}
          <Button kind="quiet" icon="out" label="Log out" onClick={onLogOut} />
        </div>
      </div>
    </aside>
  );
}

function NavLink({ entry, path }: { entry: Entry; path: string }) {
  const { alarms } = useLive();
  const mayAdminister = useMay()("administer");
  if (entry.path === "/configuration" && !mayAdminister) return null;
  const current = path === entry.path || entry.also?.includes(path);
  const raised = entry.path === "/" ? (alarms?.length ?? 0) : 0;
  return (
    <a href={href(entry.path)} aria-current={current ? "page" : undefined}>
      <Icon name={entry.icon} />
      <span>{entry.title}</span>
      {raised > 0 && (
        <span class="nav-count" title={`${raised} raised`}>
          {raised}
          <span class="hidden"> alarms</span>
        </span>
      )}
    </a>
  );
}

function LiveState() {
  const { state } = useLive();
  return (
    <div class={`live-state ${state}`} role="status">
      <span class="dot" aria-hidden="true" />
      {liveTexts[state]}
    </div>
  );
}

function ThemeButton() {
  useTheme();
  const choice = themeChoice();
  return (
    <Button
      kind="quiet"
      icon={themeIcons[choice]}
      label={`Theme: ${choice === "auto" ? "of the system" : choice}`}
      onClick={() => chooseTheme(nextTheme[choice])}
    />
  );
}

export function Mark() {
  return (
    <svg class="mark" width="24" height="24" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M22.5 12.2A7.5 7.5 0 1 0 23.5 17H16" fill="none" stroke-width="3.2" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
