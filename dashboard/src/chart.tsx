// Lines over time. The table beside a chart has the same numbers for who cannot see it.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { later } from "./tasks";

export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
}

const HEIGHT = 260;
const COLOURS = ["--line-1", "--line-2", "--line-3", "--line-4", "--line-5", "--line-6"];
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const MINUTE = 60;
const DAY = 86_400;
/** What is shown on either side of a lone point, in seconds. */
const AROUND = 30 * MINUTE;

/** From the first point to the last. Around a lone one uPlot would show a thousand days. */
function range(plot: uPlot, first: number | null, last: number | null): uPlot.Range.MinMax {
  const times = plot.data[0];
  const lone = times.length === 1 ? times[0] : undefined;
  if (lone !== undefined) return [lone - AROUND, lone + AROUND];
  return first === null || last === null ? [null, null] : [first, last];
}

/** Times of the axis on a clock of 24 hours; the date where a day begins, seconds if they differ. */
function ticks(zone: string) {
  const day = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, month: "2-digit", day: "2-digit" });
  const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, timeStyle: "short" });
  const exact = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, timeStyle: "medium" });
  return (_: uPlot, at: number[], __: number, ___: number, step: number) =>
    at.map((seconds, n) => {
      const moment = new Date(seconds * 1000);
      const [date, hour] = [day.format(moment), clock.format(moment)];
      if (step >= DAY) return date;
      const shown = step < MINUTE ? exact.format(moment) : hour;
      return n === 0 || hour === "00:00" ? `${shown}\n${date}` : shown;
    });
}

interface Shape {
  readonly height: number;
  /** Charts with one name have one cursor. */
  readonly together: string | undefined;
  /** The first colour. */
  readonly colour: number;
}

function options(
  width: number,
  labels: readonly string[],
  zone: string,
  shape: Shape,
): uPlot.Options {
  const axis = {
    stroke: colour("--quiet"),
    grid: { stroke: colour("--border"), width: 1 },
    ticks: { stroke: colour("--border"), width: 1 },
  };
  return {
    width,
    height: shape.height,
    ...(shape.together ? { cursor: { sync: { key: shape.together } } } : {}),
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    scales: { x: { range } },
    axes: [{ ...axis, values: ticks(zone), space: 72 }, { ...axis, size: 64 }],
    series: [
      { value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" },
      ...labels.map((label, n) => ({
        label,
        stroke: colour(COLOURS[(n + shape.colour) % COLOURS.length] ?? "--line-1"),
        width: 2,
        points: { size: 5 },
      })),
    ],
  };
}

export function Chart(props: {
  label: string;
  times: readonly number[];
  lines: readonly Line[];
  zone?: string;
  height?: number;
  together?: string;
  colour?: number;
}) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const labels = props.lines.map((line) => line.label);
  const data = [props.times, ...props.lines.map((line) => line.values)] as uPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;
  const zone = props.zone ?? "UTC";
  const height = props.height ?? HEIGHT;
  const shape = { height, together: props.together, colour: props.colour ?? 0 };
  useEffect(() => {
    const at = place.current;
    if (!at) return;
    let ended = false;
    const draw = () =>
      later(() => {
        if (ended) return;
        plot.current?.destroy();
        plot.current = new uPlot(options(at.clientWidth, labels, zone, shape), latest.current, at);
      });
    draw();
    const resized = new ResizeObserver(() => {
      if (plot.current && at.clientWidth) {
        plot.current.setSize({ width: at.clientWidth, height });
      }
    });
    resized.observe(at);
    dark.addEventListener("change", draw);
    return () => {
      ended = true;
      resized.disconnect();
      dark.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [labels.join("\n"), zone, height]);
  useEffect(() => later(() => plot.current?.setData(latest.current)), [props.times, props.lines]);
  return (
    <figure class="chart" role="img" aria-label={props.label}>
      <div ref={place} />
    </figure>
  );
}
