import { useEffect, useState } from "preact/hooks";
import {
  headers,
  needsType,
  needsValue,
  operators,
  problemOf,
  toSql,
  toXml,
  valueTypes,
  type Condition,
  type SelectorForm,
  type Source,
} from "../lib/selector_builder";
import { setQuery, usePlace } from "../router";
import { Button } from "../ui/basics";
import { Dialog } from "../ui/dialog";
import { FilterSelect } from "../ui/form";
import { Icon } from "../ui/icons";

/** The selector of a list of messages, in SQL or XML, which is in the address; and the form that writes one. */
export function SelectorBar() {
  const { query } = usePlace();
  const held = query.get("selector") ?? "";
  const [text, setText] = useState(held);
  const [building, setBuilding] = useState(false);
  useEffect(() => setText(held), [held]);
  const isXml = text.trimStart().startsWith("<");
  const apply = (selector: string) => {
    const trimmed = selector.trim();
    setQuery({ selector: trimmed, syntax: trimmed ? (trimmed.startsWith("<") ? "xml" : "sql") : null, cursor: null, message: null });
  };
  return (
    <form
      class="selector-bar"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        apply(text);
      }}
    >
      <div class="selector-input">
        <Icon name="selector" />
        <textarea
          data-search
          aria-label="Selector, in SQL or XML"
          rows={isXml ? Math.min(10, text.split("\n").length) : 1}
          class="mono"
          spellcheck={false}
          placeholder="currency = 'EUR' AND amount > 1000"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || (isXml && !event.ctrlKey)) return;
            event.preventDefault();
            apply(text);
          }}
        />
        <span class="syntax">{isXml ? "XML" : "SQL"}</span>
      </div>
      <Button type="submit" kind="primary">
        Search
      </Button>
      <Button onClick={() => setBuilding(true)}>Build…</Button>
      {held && (
        <Button
          kind="quiet"
          onClick={() => {
            setText("");
            apply("");
          }}
        >
          Clear
        </Button>
      )}
      {building && (
        <Builder
          onClose={() => setBuilding(false)}
          onUse={(selector) => {
            setText(selector);
            setBuilding(false);
            apply(selector);
          }}
        />
      )}
    </form>
  );
}

const sources: readonly (readonly [Source, string])[] = [
  ["property", "Property"],
  ["header", "Header"],
  ["xpath", "XML body, path"],
  ["pointer", "JSON body, pointer"],
];
const blank: Condition = { source: "property", name: "", operator: "=", valueType: "string", value: "" };
const examples: Record<Source, string> = { property: "currency", header: "", xpath: ".//IntrBkSttlmAmt", pointer: "/order/total" };

function Builder({ onClose, onUse }: { onClose: () => void; onUse: (selector: string) => void }) {
  const [form, setForm] = useState<SelectorForm>({ join: "and", conditions: [blank] });
  const [syntax, setSyntax] = useState<"sql" | "xml">("sql");
  const change = (index: number, changes: Partial<Condition>) => {
    setForm({ ...form, conditions: form.conditions.map((one, at) => (at === index ? { ...one, ...changes } : one)) });
  };
  const problems = form.conditions.map(problemOf);
  const ready = problems.every((problem) => problem === null);
  const text = ready ? (syntax === "sql" ? toSql(form) : toXml(form)) : "";
  return (
    <Dialog title="Build a selector" onClose={onClose} wide>
      <div class="dialog-body">
        <div class="builder-head">
          <span>Messages for which</span>
          <FilterSelect
            label="How the conditions are joined"
            value={form.join}
            onChange={(join) => setForm({ ...form, join })}
            options={[
              ["and", "all of these are true"],
              ["or", "one of these is true"],
            ]}
          />
        </div>
        {form.conditions.map((condition, index) => (
          <ConditionRow
            key={index}
            condition={condition}
            problem={condition.name || condition.value ? (problems[index] ?? null) : null}
            onChange={(changes) => change(index, changes)}
            onRemove={
              form.conditions.length > 1
                ? () => setForm({ ...form, conditions: form.conditions.filter((_, at) => at !== index) })
                : undefined
            }
          />
        ))}
        <Button kind="quiet" icon="plus" onClick={() => setForm({ ...form, conditions: [...form.conditions, blank] })}>
          Another condition
        </Button>
        <div class="segments" role="group" aria-label="Syntax">
          {(["sql", "xml"] as const).map((one) => (
            <button key={one} type="button" aria-pressed={syntax === one} onClick={() => setSyntax(one)}>
              {one.toUpperCase()}
            </button>
          ))}
        </div>
        <pre class="code" tabIndex={0} aria-label="The selector">
          {text || "…"}
        </pre>
      </div>
      <div class="dialog-foot">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="primary" disabled={!ready} onClick={() => onUse(text)}>
          Search with it
        </Button>
      </div>
    </Dialog>
  );
}

function ConditionRow({
  condition,
  problem,
  onChange,
  onRemove,
}: {
  condition: Condition;
  problem: string | null;
  onChange: (changes: Partial<Condition>) => void;
  onRemove?: () => void;
}) {
  return (
    <div class="condition">
      <FilterSelect
        label="Where"
        value={condition.source}
        options={sources}
        onChange={(source) => onChange({ source, name: source === "header" ? headers[0] : "" })}
      />
      {condition.source === "header" ? (
        <FilterSelect
          label="Header"
          value={condition.name}
          options={headers.map((one) => [one, one] as const)}
          onChange={(name) => onChange({ name })}
        />
      ) : (
        <input
          class="mono"
          aria-label="Name"
          placeholder={examples[condition.source]}
          value={condition.name}
          onInput={(event) => onChange({ name: event.currentTarget.value })}
        />
      )}
      <FilterSelect
        label="Comparison"
        value={condition.operator}
        options={operators.map((one) => [one, one] as const)}
        onChange={(operator) => onChange({ operator })}
      />
      {needsType(condition.operator) && (
        <FilterSelect
          label="Type of the value"
          value={condition.valueType}
          options={valueTypes.map((one) => [one, one] as const)}
          onChange={(valueType) => onChange({ valueType })}
        />
      )}
      {needsValue(condition.operator) && (
        <input
          class="mono"
          aria-label="Value"
          placeholder={condition.operator === "in" ? "EUR, CHF" : "value"}
          value={condition.value}
          onInput={(event) => onChange({ value: event.currentTarget.value })}
        />
      )}
      {onRemove && <Button kind="quiet" icon="close" label="Remove the condition" onClick={onRemove} />}
      {problem && <p class="field-error">{problem}</p>}
    </div>
  );
}
