import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock } from "../lib/format";
import { useTheme } from "./theme";

export interface Series {
  label: string;
  /** A custom property of the style sheet, so that light and dark have their own. */
  colour: "--series-1" | "--series-2" | "--series-3";
  values: (number | null)[];
  fill?: boolean;
}

interface ChartProps {
  title: string;
  times: number[];
  series: Series[];
  format: (value: number) => string;
  /** Shown from zero unless that would hide what moves (free disk, memory). */
  fromZero?: boolean;
  /** Steps of the axis are powers of two, as its units are. */
  binary?: boolean;
}

const height = 164;
const sync = uPlot.sync("giromq");

/** A chart over time. What it shows is said in words as well: the latest value of each series stands in its legend. */
export function Chart({ title, times, series, format, fromZero = true, binary = false }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const theme = useTheme();
  const data = [times, ...series.map((one) => one.values)] as uPlot.AlignedData;

  useEffect(() => {
    const element = place.current!;
    const chart = new uPlot(optionsOf(element, { series, format, fromZero, binary }, setHovered), data, element);
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [theme, series.length]);

  // Values are added to the arrays in place, so the times tell whether there is something new to draw.
  useEffect(() => plot.current?.setData(data), [times.length, times[0], times.at(-1)]);

  const at = hovered !== null && hovered < times.length ? hovered : times.length - 1;
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="legend">
          {hovered !== null && times[at] !== undefined && <span class="muted">{clock(new Date(times[at] * 1000))}</span>}
          {series.map((one) => (
            <span key={one.label} class="legend-item">
              <span class={`swatch ${one.colour.slice(2)}`} aria-hidden="true" />
              {series.length > 1 && <span>{one.label}</span>}
              <strong>{one.values[at] === null || one.values[at] === undefined ? "–" : format(one.values[at])}</strong>
            </span>
          ))}
        </span>
      </figcaption>
      <div class={times.length > 1 ? "plot" : "plot waiting"} ref={place} aria-hidden="true" />
    </figure>
  );
}

type Look = Pick<Required<ChartProps>, "series" | "format" | "fromZero" | "binary">;
const binarySteps = Array.from({ length: 50 }, (_, power) => 2 ** power);

function optionsOf(
  element: HTMLElement,
  { series, format, fromZero, binary }: Look,
  onHover: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--text-2"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height,
    padding: [10, 16, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: sync.key }, drag: { x: false, y: false }, points: { size: 6 } },
    hooks: { setCursor: [(chart) => onHover(chart.cursor.idx ?? null)] },
    scales: { y: { range: (_chart, low, high) => rangeOf(low, high, fromZero) } },
    axes: [
      {
        ...axis,
        size: 22,
        space: 64,
        grid: { show: false },
        values: (_chart, splits, _axis, _space, step) => splits.map((time) => clock(new Date(time * 1000)).slice(0, step < 60 ? 8 : 5)),
      },
      {
        ...axis,
        size: 66,
        space: 34,
        ...(binary ? { incrs: binarySteps } : {}),
        values: (_chart, splits) => splits.map((value) => format(value)),
      },
    ],
    series: [
      {},
      ...series.map((one) => ({
        label: one.label,
        stroke: colour(one.colour),
        width: 1.5,
        fill: one.fill ? colour(`${one.colour}-fill`) : undefined,
        points: { show: false },
        spanGaps: false,
      })),
    ],
  };
}

function rangeOf(low: number, high: number, fromZero: boolean): [number, number] {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  if (fromZero) return [0, high <= 0 ? 1 : high * 1.12];
  const room = Math.max((high - low) * 0.25, Math.abs(high) * 0.03, 1);
  return [Math.max(0, low - room), high + room];
}

/** A few points without axes, beside a figure. */
export function Spark({ values }: { values: (number | null)[] }) {
  const known = values.filter((value): value is number => value !== null);
  const shown = known.slice(-60);
  if (shown.length < 2) return <svg class="spark" viewBox="0 0 100 24" aria-hidden="true" />;
  const low = Math.min(...shown);
  const span = Math.max(...shown) - low;
  // What does not move is in the middle: at the foot it would look like nothing.
  const heightOf = (value: number) => (span === 0 ? 0.5 : (value - low) / span);
  const points = shown.map(
    (value, index) => `${((index / (shown.length - 1)) * 100).toFixed(1)},${(22 - heightOf(value) * 20).toFixed(1)}`,
  );
  return (
    <svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
      <polyline points={points.join(" ")} />
    </svg>
  );
}
