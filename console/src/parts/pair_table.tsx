/** A table of pairs. On a phone each row stands as a block, its cells below each other with their column's name. */
import type { ComponentChildren } from "preact";

export interface Column {
  name: string;
  /** What stands in the head besides the name. */
  also?: ComponentChildren;
  kind?: "text" | "figure";
}

interface Props {
  /** What it shows; or the id of the heading that says it. */
  label?: string;
  labelledBy?: string;
  caption?: string;
  columns: Column[];
  rows: ComponentChildren[][];
}

/** The roles are said, since browsers forget them where a table is laid out as something else. */
export function PairTable({ label, labelledBy, caption, columns, rows }: Props) {
  return (
    <div class="wide" tabIndex={0} role="region" aria-label={label} aria-labelledby={labelledBy}>
      <table class="pairs-table" role="table">
        {caption && <caption>{caption}</caption>}
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ name, also }) => (
              <th scope="col" role="columnheader" key={name}>
                {name} {also}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((cells, place) => (
            <tr role="row" key={place}>
              {cells.map((cell, at) => (
                <td role="cell" class={columns[at]!.kind} data-name={columns[at]!.name} key={at}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
