import type { ComponentChildren } from "preact";
import type { Resource } from "../api/resource";
import type { Page } from "../api/types";
import { hrefWith, setQuery, usePlace } from "../router";
import { Button, Empty, Failure } from "./basics";
import { Icon } from "./icons";

export interface Column<T> {
  id: string;
  title: ComponentChildren;
  /** Figures are right-aligned. */
  figure?: boolean;
  /** The name that the API sorts by; `first` is the direction of the first click. */
  sort?: string;
  first?: "up" | "down";
  grow?: boolean;
  hideNarrow?: boolean;
  render: (row: T) => ComponentChildren;
}

interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[] | null;
  keyOf: (row: T) => string;
  empty: ComponentChildren;
  skeletonRows?: number;
  selected?: (row: T) => boolean;
  sort?: string;
}

/**
 * A table whose rows are as high before their figures are there as after. Each row has one link or button with `data-row`, which the keys j
 * and k go along.
 */
export function Table<T>({ label, columns, rows, keyOf, empty, skeletonRows = 12, selected, sort }: TableProps<T>) {
  if (rows?.length === 0) return <>{empty}</>;
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <table aria-busy={rows === null}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Heading key={column.id} column={column} sort={sort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows === null
            ? Array.from({ length: skeletonRows }, (_, index) => (
                <tr key={index} class="skeleton-row">
                  {columns.map((column, cell) => (
                    <td key={column.id} class={cellClass(column)}>
                      <span class={`skeleton w${((index + cell) % 4) + 1}`} />
                    </td>
                  ))}
                </tr>
              ))
            : rows.map((row) => (
                <tr key={keyOf(row)} class={selected?.(row) ? "selected" : undefined}>
                  {columns.map((column) => (
                    <Cell key={column.id} column={column} row={row} />
                  ))}
                </tr>
              ))}
        </tbody>
      </table>
    </div>
  );
}

/** Zeros step back, so that the eye finds what is not zero. */
function Cell<T>({ column, row }: { column: Column<T>; row: T }) {
  const content = column.render(row);
  return <td class={cellClass(column, content === "0" || content === "0 B")}>{content}</td>;
}

function cellClass<T>(column: Column<T>, zero = false): string | undefined {
  const classes = [column.figure && "figure", column.grow && "grow", column.hideNarrow && "hide-narrow", zero && "zero"];
  return classes.filter(Boolean).join(" ") || undefined;
}

function Heading<T>({ column, sort }: { column: Column<T>; sort?: string }) {
  if (!column.sort)
    return (
      <th scope="col" class={cellClass(column)}>
        {column.title}
      </th>
    );
  const direction = sort === column.sort ? "up" : sort === `-${column.sort}` ? "down" : null;
  const next = direction === null ? (column.first ?? "up") : direction === "up" ? "down" : "up";
  return (
    <th
      scope="col"
      class={cellClass(column)}
      aria-sort={direction === "up" ? "ascending" : direction === "down" ? "descending" : undefined}
    >
      <a
        class={direction ? "sorter on" : "sorter"}
        href={hrefWith({ sort: next === "up" ? column.sort : `-${column.sort}`, cursor: null })}
      >
        {column.title}
        <span class="sort-mark">{direction && <Icon name={direction} size={12} />}</span>
      </a>
    </th>
  );
}

/** The rest of a list page: its table, its error, and the way to the next page (not where only the first rows are shown). */
export function PagedTable<T>({
  resource,
  onlyFirst,
  ...table
}: Omit<TableProps<T>, "rows"> & { resource: Resource<Page<T>>; onlyFirst?: boolean }) {
  const { data, error, reload } = resource;
  if (error && !data) return <Failure error={error} retry={reload} />;
  return (
    <>
      {error && (
        <p class="stale" role="status">
          <Icon name="warning" />
          These figures are old: {error.title}.
        </p>
      )}
      <Table {...table} rows={data?.items ?? null} />
      {!onlyFirst && <Pager nextCursor={data?.nextCursor ?? null} shown={data?.items.length ?? 0} />}
    </>
  );
}

/** Cursors only lead onwards, so the ones that led here are kept beside the entry of the browser's history. */
export function Pager({ nextCursor, shown }: { nextCursor: string | null; shown: number }) {
  const { query } = usePlace();
  const cursor = query.get("cursor");
  const trail: string[] = cursor === null ? [] : ((history.state as { trail?: string[] } | null)?.trail ?? []);
  if (cursor === null && nextCursor === null) return null;
  return (
    <div class="pager">
      <span class="muted">{shown} shown</span>
      <div class="actions">
        <Button
          small
          icon="left"
          disabled={cursor === null}
          onClick={() => setQuery({ cursor: trail.at(-1) ?? null }, { state: { trail: trail.slice(0, -1) } })}
        >
          Previous
        </Button>
        <Button
          small
          disabled={nextCursor === null}
          onClick={() => setQuery({ cursor: nextCursor }, { state: { trail: cursor === null ? [] : [...trail, cursor] } })}
        >
          Next
        </Button>
      </div>
    </div>
  );
}

export function Nothing({ title, children, filtered }: { title: string; children?: ComponentChildren; filtered?: boolean }) {
  if (filtered)
    return (
      <Empty icon="search" title="Nothing matches the filter">
        Change it, or clear it to see everything.
      </Empty>
    );
  return (
    <Empty icon="queue" title={title}>
      {children}
    </Empty>
  );
}
