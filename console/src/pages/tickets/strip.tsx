/** Where a ticket's active parameters are: a strip of the layers, the darker the denser. */
import type { Ticket } from "../../api/types";
import { number, percent, t } from "../../i18n";

type Distribution = Ticket["distribution"];

export function LayerStrip({ distribution, label }: { distribution: Distribution; label: string }) {
  if (!distribution.length) return null;
  const densest = Math.max(...distribution.map((each) => each.density), 1e-9);
  return (
    <div class="wide" tabIndex={0} role="region" aria-label={label}>
      <table class="strip">
        <caption>{label}</caption>
        <thead>
          <tr>
            {distribution.map(({ layer }) => (
              <th scope="col" key={layer}>
                {layer === "embeddings" ? t("tickets.embeddings") : layer}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr>
            {distribution.map(({ layer, density, active }) => (
              <td key={layer} style={{ "--share": `${Math.round((85 * density) / densest)}%` }} title={t("tickets.cell", { active: number(active) })}>
                {percent(density, 1)}
              </td>
            ))}
          </tr>
        </tbody>
      </table>
    </div>
  );
}
