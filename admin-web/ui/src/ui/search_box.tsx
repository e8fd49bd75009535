import { useEffect, useRef, useState } from "preact/hooks";
import { setQuery, usePlace } from "../router";
import { Icon } from "./icons";

/** A filter that is a parameter of the address. It asks when typing pauses, and "/" leads to the first one of a page. */
export function SearchBox({ name, label, wide }: { name: string; label: string; wide?: boolean }) {
  const { query } = usePlace();
  const held = query.get(name) ?? "";
  const [text, setText] = useState(held);
  const timer = useRef(0);
  useEffect(() => setText(held), [held]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const apply = (value: string, delayMs: number) => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setQuery({ [name]: value, cursor: null }, { replace: true, state: null }), delayMs);
  };
  return (
    <div class={wide ? "search wide" : "search"}>
      <Icon name="search" />
      <input
        type="search"
        data-search
        aria-label={label}
        placeholder={label}
        value={text}
        spellcheck={false}
        autoComplete="off"
        maxLength={255}
        onInput={(event) => {
          setText(event.currentTarget.value);
          apply(event.currentTarget.value, 250);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") apply(text, 0);
        }}
      />
    </div>
  );
}
