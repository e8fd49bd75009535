import { useState } from "preact/hooks";
import { download, path, post, request } from "../api/client";
import type { Applied, Backup, Change, Changes, Reloaded } from "../api/types";
import { bytes, count, plural } from "../lib/format";
import { useMay } from "../api/session";
import { Badge, Button, Card, Empty, Notice, PageHead, type Tone } from "../ui/basics";
import { AttemptError, DangerDialog, useAttempt } from "../ui/dialog";
import { Check, TextArea, TextField } from "../ui/form";
import { toast } from "../ui/toast";

const documentMax = 4_194_304;
const tones: Record<Change["kind"], Tone> = { create: "good", update: "accent", delete: "danger" };
const outcomeTones: Record<Change["outcome"], Tone> = { planned: "accent", done: "good", refused: "danger", skipped: "warning" };

export function ConfigurationPage() {
  const mayAdminister = useMay()("administer");
  const [document_, setDocument] = useState("");
  const [prune, setPrune] = useState(false);
  const [changes, setChanges] = useState<Change[] | null>(null);
  const [applied, setApplied] = useState<Applied | null>(null);
  const [asking, setAsking] = useState(false);
  const { busy, error, attempt } = useAttempt();
  const xml = { type: "application/xml", text: document_ };
  const edit = (text: string) => {
    setDocument(text);
    setChanges(null);
    setApplied(null);
  };
  const compare = () =>
    attempt(async () => {
      setApplied(null);
      setChanges((await request<Changes>("POST", path(["configuration", "diff"], { prune: prune || null }), { raw: xml })).data.changes);
    });
  const apply = async () => {
    const answer = await request<Applied>("POST", path(["configuration", "apply"], { prune: prune || null }), { raw: xml });
    setApplied(answer.data);
    setChanges(null);
    setAsking(false);
    if (!answer.data.failed) toast(`${plural(answer.data.done, "change")} made.`);
  };
  if (!mayAdminister) return <Empty icon="lock" title="This page is for administrators" />;
  const tooLarge = document_.length > documentMax;
  return (
    <>
      <PageHead
        title="Configuration"
        about="Queues, selectors, users and permissions as one XML document, to compare brokers and to bring one to the state of another."
      >
        <Button icon="download" onClick={() => download(path(["configuration", "export"]), "giromq-definitions.xml")}>
          Export
        </Button>
        <Button onClick={() => void attempt(async () => edit((await request<string>("GET", path(["configuration", "export"]))).data))}>
          Load into the editor
        </Button>
      </PageHead>
      <Card title="Compare and apply">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void compare();
          }}
        >
          <p class="file-line">
            <label class="button plain file-button">
              <span>Open a file</span>
              <input
                type="file"
                accept=".xml,application/xml"
                onChange={(event) => {
                  const file = event.currentTarget.files?.[0];
                  if (file) void file.text().then(edit);
                }}
              />
            </label>
            <span class="muted">or put the document here. It holds no secrets.</span>
          </p>
          <TextArea label="Document" value={document_} onInput={edit} rows={14} mono error={tooLarge ? "At most 4 MiB." : null} />
          <Check
            label="Also delete what the lists of the document do not name, except queues that hold messages or are in use"
            checked={prune}
            onChange={(on) => {
              setPrune(on);
              setChanges(null);
            }}
          />
          <AttemptError error={error} />
          <div class="form-foot">
            <Button type="submit" kind="primary" busy={busy} disabled={document_.trim() === "" || tooLarge}>
              Compare
            </Button>
            <Button disabled={!changes || changes.length === 0} onClick={() => setAsking(true)}>
              Apply…
            </Button>
          </div>
        </form>
      </Card>
      {changes && (
        <Card title={changes.length === 0 ? "No differences" : plural(changes.length, "change")} flush>
          {changes.length === 0 ? <p class="card-empty muted">The broker is as the document says.</p> : <ChangeTable changes={changes} />}
        </Card>
      )}
      {applied && (
        <Card title="Applied" flush>
          <div class="card-empty">
            {applied.failed ? (
              <Notice tone="danger">
                <strong>
                  {count(applied.done)} of {count(applied.changes.length)} changes were made. {applied.failed.title}.
                </strong>{" "}
                {applied.failed.detail} Applied again, the document does what is left.
              </Notice>
            ) : (
              <Notice tone="good">
                <strong>{plural(applied.done, "change")} made.</strong>
              </Notice>
            )}
          </div>
          <ChangeTable changes={applied.changes} />
        </Card>
      )}
      <Upkeep />
      {asking && changes && (
        <DangerDialog
          title="Apply the document"
          action="Apply"
          typed="apply"
          typedLabel="word"
          onClose={() => setAsking(false)}
          onConfirm={apply}
        >
          <p>
            <strong>{plural(changes.length, "change")}</strong> will be made, each on its own and each in the audit log:{" "}
            {(["create", "update", "delete"] as const)
              .map((kind) => `${count(changes.filter((one) => one.kind === kind).length)} ${kind}`)
              .join(", ")}
            .
          </p>
        </DangerDialog>
      )}
    </>
  );
}

/** What is done with the broker as a whole: reading its configuration file again, and copying its store. */
function Upkeep() {
  const [reloaded, setReloaded] = useState<Reloaded | null>(null);
  const [saved, setSaved] = useState<Backup | null>(null);
  const [file, setFile] = useState(() => `giromq-${new Date().toISOString().slice(0, 19).replace(/\D/g, "-")}.db`);
  const reload = useAttempt();
  const backup = useAttempt();
  return (
    <div class="columns">
      <Card title="Configuration file">
        <p class="muted">
          Read again as it is on the broker's machine. Log level, thresholds of alarms, limits of logins and certificates hold at once.
        </p>
        <div class="form-foot upkeep">
          <Button
            icon="refresh"
            busy={reload.busy}
            onClick={() => void reload.attempt(async () => setReloaded(await post<Reloaded>(path(["configuration", "reload"]))))}
          >
            Read it again
          </Button>
        </div>
        <div role="status">
          <AttemptError error={reload.error} />
          {reloaded && (
            <Notice tone="good">
              <strong>Read.</strong> Changed now: {reloaded.applied.join(", ") || "nothing"}. Waits for the next start:{" "}
              {reloaded.needsRestart.join(", ") || "nothing"}.
            </Notice>
          )}
        </div>
      </Card>
      <Card title="Backup">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void backup.attempt(async () => setSaved(await post<Backup>(path(["backup"]), { file })));
          }}
        >
          <TextField
            label="File"
            mono
            value={file}
            onInput={setFile}
            hint="In the folder backups of the broker's data. The store is copied as it is now, while work goes on."
          />
          <div class="form-foot">
            <Button type="submit" busy={backup.busy} disabled={file === ""}>
              Back up
            </Button>
          </div>
        </form>
        <div role="status">
          <AttemptError error={backup.error} />
          {saved && (
            <Notice tone="good">
              <strong>Complete:</strong> {bytes(saved.bytes)} in <span class="mono wrap">{saved.path}</span>.
            </Notice>
          )}
        </div>
      </Card>
    </div>
  );
}

function ChangeTable({ changes }: { changes: Change[] }) {
  const text = (values: Record<string, string> | null) =>
    values
      ? Object.entries(values)
          .map(([name, value]) => `${name}=${value}`)
          .join("  ")
      : "–";
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Changes">
      <table>
        <thead>
          <tr>
            <th scope="col">Change</th>
            <th scope="col">What</th>
            <th scope="col">Name</th>
            <th scope="col">Outcome</th>
            <th scope="col">Before</th>
            <th scope="col" class="grow">
              After
            </th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => (
            <tr key={`${change.kind} ${change.object} ${change.name}`}>
              <td>
                <Badge tone={tones[change.kind]}>{change.kind}</Badge>
              </td>
              <td>{change.object}</td>
              <td class="name">{change.name}</td>
              <td>
                <Badge tone={outcomeTones[change.outcome]}>{change.outcome}</Badge> {change.problem?.detail}
              </td>
              <td class="mono wrap muted">{text(change.before)}</td>
              <td class="mono wrap grow">{text(change.after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
