import { setQuery, usePlace } from "../router";
import { FilterSelect } from "./form";

/** A filter that is a parameter of the address, of a few words to choose from. */
export function ChoiceBox({ name, words }: { name: string; words: readonly string[] }) {
  const { query } = usePlace();
  return (
    <FilterSelect
      label={capitalised(name)}
      value={query.get(name) ?? ""}
      onChange={(word) => setQuery({ [name]: word, cursor: null })}
      options={[["", `Any ${name}`], ...words.map((word) => [word, capitalised(word)] as const)]}
    />
  );
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
