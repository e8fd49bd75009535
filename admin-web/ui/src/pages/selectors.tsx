import { useState } from "preact/hooks";
import { path, request } from "../api/client";
import { useResource } from "../api/resource";
import { useMay } from "../api/session";
import type { Page, Selector } from "../api/types";
import { prettyXml } from "../lib/markup";
import { hrefWith, setQuery, usePlace } from "../router";
import { Badge, Button, Failure, PageHead, Skeleton, Time } from "../ui/basics";
import { DangerDialog, Dialog, FormDialog } from "../ui/dialog";
import { TextArea, TextField } from "../ui/form";
import { Nothing, PagedTable, type Column } from "../ui/table";
import { toast } from "../ui/toast";

export function SelectorsPage() {
  const { query } = usePlace();
  const mayAdminister = useMay()("administer");
  const [deleting, setDeleting] = useState<string | null>(null);
  const selectors = useResource<Page<Selector>>(path(["selectors"], { cursor: query.get("cursor"), limit: 50 }));
  const open = query.get("selector");
  const close = () => setQuery({ selector: null, create: null }, { replace: true });
  const columns: Column<Selector>[] = [
    {
      id: "name",
      title: "Name",
      grow: true,
      render: (one) => (
        <a data-row class="name" href={hrefWith({ selector: one.name })}>
          {one.name}
        </a>
      ),
    },
    { id: "origin", title: "Origin", render: (one) => <Badge>{one.origin}</Badge> },
    { id: "changed", title: "Changed", figure: true, render: (one) => <Time at={one.changedAt} /> },
    {
      id: "delete",
      title: <span class="hidden">Delete</span>,
      figure: true,
      render: (one) =>
        mayAdminister &&
        one.origin !== "configured" && (
          <Button small kind="quiet" icon="trash" label={`Delete the selector ${one.name}`} onClick={() => setDeleting(one.name)} />
        ),
    },
  ];
  return (
    <>
      <PageHead title="Named selectors" about="Clients name them instead of carrying the text: JMS_GIROMQ_SELECTOR = 'name'.">
        {mayAdminister && (
          <Button kind="primary" icon="plus" onClick={() => setQuery({ create: "1" })}>
            Store selector
          </Button>
        )}
      </PageHead>
      <PagedTable
        label="Named selectors"
        resource={selectors}
        columns={columns}
        keyOf={(one) => one.name}
        skeletonRows={6}
        empty={<Nothing title="No selectors are stored" />}
      />
      {open && <SelectorDialog key={open} name={open} onClose={close} onSaved={selectors.reload} mayChange={mayAdminister} />}
      {query.get("create") === "1" && mayAdminister && <SelectorForm name="" text="" onClose={close} onSaved={selectors.reload} />}
      {deleting && (
        <DangerDialog
          title="Delete the selector"
          action="Delete"
          typed={deleting}
          onClose={() => setDeleting(null)}
          onConfirm={async () => {
            await request("DELETE", path(["selectors", deleting]));
            toast(`The selector ${deleting} is deleted.`);
            setDeleting(null);
            selectors.reload();
          }}
        >
          <p>
            Consumers that are there keep what they began with; whoever names <strong>{deleting}</strong> from now on is refused.
          </p>
        </DangerDialog>
      )}
    </>
  );
}

function SelectorDialog({
  name,
  onClose,
  onSaved,
  mayChange,
}: {
  name: string;
  onClose: () => void;
  onSaved: () => void;
  mayChange: boolean;
}) {
  const resource = useResource<Selector>(path(["selectors", name]));
  const data = resource.data;
  if (data && mayChange && data.origin !== "configured")
    return <SelectorForm name={name} text={data.text ?? ""} onClose={onClose} onSaved={onSaved} />;
  return (
    <Dialog title={name} onClose={onClose} wide>
      <div class="dialog-body">
        {resource.error ? (
          <Failure error={resource.error} retry={resource.reload} />
        ) : data ? (
          <SelectorText text={data.text ?? ""} />
        ) : (
          <Skeleton lines={5} />
        )}
        {data?.origin === "configured" && <p class="muted">It stands in the configuration, and is changed there.</p>}
      </div>
    </Dialog>
  );
}

function SelectorText({ text }: { text: string }) {
  const lines = text.trimStart().startsWith("<") ? prettyXml(text) : null;
  return (
    <pre class="code" tabIndex={0} aria-label="The selector">
      {lines ? lines.map((line) => `${"  ".repeat(line.depth)}${line.tokens.map((token) => token.text).join("")}`).join("\n") : text}
    </pre>
  );
}

function SelectorForm({ name, text, onClose, onSaved }: { name: string; text: string; onClose: () => void; onSaved: () => void }) {
  const [newName, setName] = useState(name);
  const [newText, setText] = useState(text);
  const save = async () => {
    await request("PUT", path(["selectors", newName]), { body: { text: newText } });
    toast(`The selector ${newName} is stored.`);
    onSaved();
    onClose();
  };
  const wrong = newName !== "" && !/^[A-Za-z0-9._-]{1,64}$/.test(newName);
  return (
    <FormDialog
      title={name === "" ? "Store selector" : `Selector ${name}`}
      action="Save"
      onClose={onClose}
      onSubmit={save}
      wide
      disabled={newName === "" || wrong || newText.trim() === "" || (name !== "" && newText === text)}
    >
      {name === "" && (
        <TextField
          label="Name"
          value={newName}
          onInput={setName}
          mono
          required
          autoFocus
          maxLength={64}
          hint="Letters, digits, dots, hyphens and underscores"
          error={wrong ? "Letters, digits, dots, hyphens and underscores, 64 at most." : null}
        />
      )}
      <TextArea
        label="Text, in SQL or XML"
        value={newText}
        onInput={setText}
        rows={10}
        mono
        required
        hint="Consumers that are there keep what they began with; those that come from now on get this."
      />
    </FormDialog>
  );
}
