/** Lines over a common axis, drawn by uPlot; the same figures stand in a table for those who cannot see them. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { number, t } from "../i18n";

export interface Series {
  label: string;
  /** A custom property with its colour, e.g. `--accent`. */
  colour: string;
  values: (number | null)[];
  dashed?: boolean;
  points?: boolean;
}

interface Props {
  title: string;
  xLabel: string;
  x: number[];
  series: Series[];
  format?: (value: number) => string;
  height?: number;
  /** The range of the vertical axis, where it is not to follow the figures. */
  range?: [number, number];
  xRange?: [number, number];
  /** The horizontal axis counts: no epoch 1.5. */
  counts?: boolean;
  xFormat?: (value: number) => string;
}

const plain = (value: number) => number(value, 3);
const STEPS = [1, 10, 100, 1000, 10_000, 100_000].flatMap((each) => [each, 2 * each, 5 * each]);

export function Chart(props: Props) {
  const { title, xLabel, x, series, format = plain, xFormat = plain } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shape = JSON.stringify([title, xLabel, series.map((each) => [each.label, each.colour])]);
  useEffect(() => {
    const holder = place.current!;
    const drawn = new uPlot(options(props, holder), [x, ...series.map((each) => each.values)] as uPlot.AlignedData, holder);
    plot.current = drawn;
    const watcher = new ResizeObserver(() => drawn.setSize({ width: holder.clientWidth, height: props.height ?? 220 }));
    watcher.observe(holder);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => drawn.redraw();
    scheme.addEventListener("change", redraw);
    return () => (scheme.removeEventListener("change", redraw), watcher.disconnect(), drawn.destroy());
  }, [shape]);
  useEffect(() => plot.current?.setData([x, ...series.map((each) => each.values)] as uPlot.AlignedData), [x, series]);
  return (
    <figure class="chart">
      <figcaption>
        {title}
        <ul class="legend">
          {series.map((each) => (
            <li key={each.label}>
              <span class="swatch" style={{ background: `var(${each.colour})` }} aria-hidden="true" /> {each.label}
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={place} aria-hidden="true" />
      <details class="fine">
        <summary>{t("chart.table")}</summary>
        <Figures x={x} xLabel={xLabel} series={series} format={format} xFormat={xFormat} />
      </details>
    </figure>
  );
}

type FiguresProps = Pick<Props, "x" | "xLabel" | "series"> & { format: (value: number) => string; xFormat: (value: number) => string };

function Figures({ x, xLabel, series, format, xFormat }: FiguresProps) {
  return (
    <div class="wide" tabIndex={0} role="region" aria-label={t("chart.table")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{xLabel}</th>
            {series.map((each) => (
              <th scope="col" key={each.label}>
                {each.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {x.map((at, row) => (
            <tr key={row}>
              <th scope="row">{xFormat(at)}</th>
              {series.map((each) => (
                <td key={each.label}>{typeof each.values[row] === "number" ? format(each.values[row]) : "–"}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function options({ xLabel, series, format = plain, xFormat = plain, height = 220, range, xRange, counts }: Props, holder: HTMLElement): uPlot.Options {
  const colour = (name: string) => getComputedStyle(holder).getPropertyValue(name).trim();
  const axis = { stroke: () => colour("--muted"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  return {
    width: holder.clientWidth || 320,
    height,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { x: { time: false, ...(xRange ? { range: xRange } : {}) }, y: range ? { range } : {} },
    axes: [
      { ...axis, ...(counts ? { incrs: STEPS } : {}), size: 34, label: xLabel, labelFont: "12px system-ui", labelSize: 20, values: (_, ticks) => ticks.map(xFormat) },
      { ...axis, size: 56, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...series.map((each) => ({
        label: each.label,
        stroke: () => colour(each.colour),
        width: 2,
        spanGaps: true,
        ...(each.dashed ? { dash: [6, 4] } : {}),
        points: { show: each.points ?? false, size: 6 },
      })),
    ],
  };
}
