/** A list of the API, page after page, as the rows of a table. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, type Query } from "../api/client";
import type { Page } from "../api/types";
import { t } from "../i18n";
import { useAction, useNewest } from "./load";
import { Refusal } from "./refusal";

interface Props<T> {
  path: string;
  query?: Query;
  label: string;
  heads: string[];
  empty: string;
  /** A changed number has the list fetched again. */
  round?: number;
  row: (item: T) => VNode;
}

export function Listing<T>({ path, query = {}, label, heads, empty, round = 0, row }: Props<T>) {
  const [page, setPage] = useState<Page<T> | null>(null);
  const asking = useNewest();
  const more = useAction(async (before: Page<T> | null) => {
    const newest = asking();
    const next = await get<Page<T>>(path, { limit: 50, ...query, cursor: before?.next_cursor });
    if (newest()) setPage({ ...next, items: [...(before?.items ?? []), ...next.items] });
  });
  useEffect(() => more.run(null), [path, JSON.stringify(query), round]);
  return (
    <>
      <Refusal error={more.error} />
      {!page && more.busy && <p role="status">{t("loading")}</p>}
      {page && !page.items.length && <p>{empty}</p>}
      {page && page.items.length > 0 && (
        <Table label={label} heads={heads}>
          {page.items.map(row)}
        </Table>
      )}
      {page?.next_cursor && (
        <p class="actions">
          <button type="button" class="quiet" disabled={more.busy} onClick={() => more.run(page)}>
            {t("answers.more")}
          </button>
        </p>
      )}
    </>
  );
}

interface TableProps {
  label: string;
  heads: string[];
  children: ComponentChildren;
}

/** A table that scrolls by itself where there is too little room. */
export function Table({ label, heads, children }: TableProps) {
  return (
    <div class="wide" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th scope="col" key={head}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
