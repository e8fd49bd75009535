import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: string | null;
  children: (attributes: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean }) => ComponentChildren;
}

/** A label above its control, with a hint and what is wrong below, tied to it for screen readers. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const described = hint || error ? `${id}-about` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": described, "aria-invalid": error ? true : undefined })}
      {described && (
        <div class={error ? "field-error" : "field-hint"} id={described}>
          {error ?? hint}
        </div>
      )}
    </div>
  );
}

interface TextProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  hint?: ComponentChildren;
  error?: string | null;
  type?: "text" | "password" | "number" | "search";
  required?: boolean;
  autoFocus?: boolean;
  autoComplete?: string;
  mono?: boolean;
  placeholder?: string;
  maxLength?: number;
  min?: number;
  list?: string;
}

export function TextField(props: TextProps) {
  const { label, hint, error, onInput, mono, autoFocus, autoComplete, ...rest } = props;
  return (
    <Field label={label} hint={hint} error={error}>
      {(attributes) => (
        <input
          {...attributes}
          {...rest}
          class={mono ? "mono" : undefined}
          autoComplete={autoComplete ?? "off"}
          spellcheck={false}
          data-autofocus={autoFocus ? "" : undefined}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function TextArea({ label, value, onInput, hint, error, rows = 4, mono, required }: Omit<TextProps, "type"> & { rows?: number }) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(attributes) => (
        <textarea
          {...attributes}
          rows={rows}
          class={mono ? "mono" : undefined}
          spellcheck={false}
          required={required}
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function Select<T extends string>({
  label,
  value,
  options,
  onChange,
  hint,
}: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
  hint?: ComponentChildren;
}) {
  return (
    <Field label={label} hint={hint}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
          {options.map(([key, title]) => (
            <option key={key} value={key} selected={key === value}>
              {title}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function Check({ label, checked, onChange }: { label: ComponentChildren; checked: boolean; onChange: (checked: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

/** A control of a tool bar: its label is for screen readers, the first option says it to others. */
export function FilterSelect<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}) {
  return (
    <select class="filter" aria-label={label} value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
      {options.map(([key, title]) => (
        <option key={key} value={key} selected={key === value}>
          {title}
        </option>
      ))}
    </select>
  );
}
