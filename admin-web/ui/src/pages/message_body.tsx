import { useMemo, useState } from "preact/hooks";
import type { Body, Message } from "../api/types";
import { bytes, count } from "../lib/format";
import { bytesOfBase64, bytesOfText, hexRows } from "../lib/hex";
import { prettyJson, prettyXml, type Line } from "../lib/markup";
import { hrefWith, usePlace } from "../router";
import { Button, CopyButton, Notice } from "../ui/basics";

type Form = "pretty" | "raw" | "hex";
const hexRowsStep = 512;

export function BodyView({ message, onMore }: { message: Message; onMore?: () => void }) {
  const { query } = usePlace();
  const body = message.body;
  const pretty = useMemo(() => (body ? prettyOf(body) : null), [body]);
  if (message.bodyWithheld || !body)
    return <Notice>Your role may not read the bodies of messages. Everything else about the message is here.</Notice>;
  if (body.kind === "empty") return <p class="card-empty muted">The body is empty.</p>;
  const forms: Form[] = [...(pretty ? ["pretty" as const] : []), ...(body.text !== undefined ? ["raw" as const] : []), "hex"];
  const asked = query.get("as") as Form | null;
  const form = asked && forms.includes(asked) ? asked : forms[0]!;
  return (
    <div class="body-view">
      <div class="toolbar">
        <div class="segments" role="group" aria-label="How the body is shown">
          {forms.map((one) => (
            <a key={one} href={hrefWith({ as: one === forms[0] ? null : one })} aria-current={one === form ? "true" : undefined}>
              {title(one, body)}
            </a>
          ))}
        </div>
        <span class="muted">
          {body.kind}, {bytes(body.bytes)}
        </span>
        <span class="spacer" />
        {body.text !== undefined && <CopyButton text={body.text} label="Copy the body" />}
      </div>
      {body.truncated && (
        <Notice>
          Only the first {bytes(shownBytes(body))} of {bytes(body.bytes)} are shown.{" "}
          {onMore ? (
            <Button small onClick={onMore}>
              Show up to 1 MiB
            </Button>
          ) : (
            "Download it to have it all."
          )}
        </Notice>
      )}
      {form === "pretty" ? (
        <Pretty lines={pretty!} />
      ) : form === "raw" ? (
        <pre class="code body" tabIndex={0} aria-label="Body">
          {body.text}
        </pre>
      ) : (
        <Hex body={body} />
      )}
    </div>
  );
}

function title(form: Form, body: Body): string {
  if (form === "pretty") return body.looksLike === "json" ? "JSON" : "XML";
  return form === "raw" ? "Text" : "Hex";
}

function shownBytes(body: Body): number {
  return body.text !== undefined ? bytesOfText(body.text).length : Math.floor(((body.base64 ?? "").length * 3) / 4);
}

/** A body that was cut is no whole document any more, and is shown as it is. */
function prettyOf(body: Body): Line[] | null {
  if (body.text === undefined || body.truncated) return null;
  if (body.looksLike === "json") return prettyJson(body.text);
  if (body.looksLike === "xml") return prettyXml(body.text);
  return null;
}

function Pretty({ lines }: { lines: Line[] }) {
  return (
    <pre class="code body" tabIndex={0} aria-label="Body">
      {lines.map((line, index) => (
        <div key={index} class="code-line">
          <span class="line-number" aria-hidden="true">
            {index + 1}
          </span>
          <span>
            {"  ".repeat(line.depth)}
            {line.tokens.map((token, at) => (
              <span key={at} class={`t-${token.kind}`}>
                {token.text}
              </span>
            ))}
          </span>
        </div>
      ))}
    </pre>
  );
}

function Hex({ body }: { body: Body }) {
  const [rowsMax, setRowsMax] = useState(hexRowsStep);
  const data = useMemo(() => (body.base64 !== undefined ? bytesOfBase64(body.base64) : bytesOfText(body.text ?? "")), [body]);
  const rows = hexRows(data, rowsMax);
  const left = Math.ceil(data.length / 16) - rows.length;
  return (
    <>
      <pre class="code body hex" tabIndex={0} aria-label="Body in hexadecimal">
        {rows.map((row) => (
          <div key={row.offset}>
            <span class="line-number">{row.offset}</span> {row.hex} <span class="t-string">{row.text}</span>
          </div>
        ))}
      </pre>
      {left > 0 && (
        <Button small onClick={() => setRowsMax(rowsMax + hexRowsStep * 4)}>
          {count(left)} more rows
        </Button>
      )}
    </>
  );
}
