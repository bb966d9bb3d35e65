// Series of a key over time, one chart for each, all with one axis and one cursor.
import { useMemo } from "preact/hooks";
import { all, get } from "../api";
import { type Catalog, type Series as Declared, type UseCase, chosen } from "../catalog";
import { Chart } from "../chart";
import { OWN_ZONE, number, time } from "../format";
import { useLoaded } from "../loading";
import { CHOICES, More, Pace, Select, Shown, Table, Text, among, pace } from "../parts";
import { type Parameters, address } from "../state";

const RANGES = [
  ["600", "last 10 minutes"],
  ["3600", "last hour"],
  ["86400", "last day"],
  ["604800", "last week"],
] as const;
const USUAL_RANGE = "3600";
const MOST = 10_000;
const LISTED = 50;
// What is measured may arrive this much later than what was measured after it.
const LATE_MS = 120_000;
const CHARTS = 8;

interface Line {
  readonly series: Declared;
  readonly key: string;
  readonly of: string | null;
}

interface Values {
  readonly line: Line;
  /** Epoch seconds, ascending. */
  readonly times: readonly number[];
  readonly values: readonly number[];
  readonly complete: boolean;
}

const named = (line: Line) => (line.of ? line.of : line.series.name);

export function Series(props: { catalog: Catalog; parameters: Parameters; keys: string }) {
  const { parameters } = props;
  const having = props.catalog.use_cases.filter((u) => u.series.length > 0);
  const useCase = chosen(props.catalog, parameters, (u) => u.series.length > 0);
  if (!useCase) {
    return (
      <section>
        <h1>Series</h1>
        <p class="note">No deployed use case has series.</p>
      </section>
    );
  }
  return (
    <section>
      <h1>Series</h1>
      <p class="quiet">What is measured over time. Values arrive with the files of the lake.</p>
      <OneUseCase
        key={useCase.name}
        having={having.map((u) => u.name)}
        useCase={useCase}
        parameters={parameters}
        keys={props.keys}
      />
    </section>
  );
}

function OneUseCase(props: {
  having: readonly string[];
  useCase: UseCase;
  parameters: Parameters;
  keys: string;
}) {
  const { useCase, parameters } = props;
  const known = useLoaded<readonly Line[]>(`lines ${useCase.name} ${props.keys}`, async (signal) => {
    const found = useCase.series.map((series) =>
      all<Line>(
        "DashboardKey",
        `series/${useCase.name}/${series.name}/lines`,
        { limit: 1000 },
        (page) => (page.lines as Omit<Line, "series">[]).map((line) => ({ ...line, series })),
        signal,
        2000,
      ),
    );
    return (await Promise.all(found)).flat();
  });
  const key = parameters.key ?? "";
  const choices = [...new Set((known.data ?? []).map((line) => line.key))];
  return (
    <>
      <div class="controls">
        <Select
          label="Use case"
          name="use_case"
          value={useCase.name}
          choices={props.having}
          also={{ key: "" }}
        />
        <Text
          label={useCase.series[0]?.key ?? "key"}
          name="key"
          value={key}
          choices={choices}
          placeholder={choices[0] ? `such as ${choices[0]}` : ""}
        />
        <Select
          label="Range"
          name="range"
          value={among(parameters.range, RANGES, USUAL_RANGE)}
          choices={RANGES}
        />
        <Pace parameters={parameters} />
      </div>
      <Shown
        loaded={known}
        empty={(lines) => (lines.length ? undefined : "Nothing was measured today or yesterday.")}
      >
        {(lines) =>
          key ? (
            <Lines
              key={key}
              useCase={useCase.name}
              lines={lines.filter((line) => line.key === key)}
              parameters={parameters}
              keys={props.keys}
            />
          ) : (
            <Choices choices={choices} parameters={{ ...parameters, use_case: useCase.name }} />
          )
        }
      </Shown>
    </>
  );
}

function Choices(props: { choices: readonly string[]; parameters: Parameters }) {
  return (
    <>
      <h2>Measured today or yesterday</h2>
      <ul class="choices">
        {props.choices.slice(0, CHOICES).map((key) => (
          <li key={key}>
            <a href={address({ view: "series", parameters: { ...props.parameters, key } })}>
              {key}
            </a>
          </li>
        ))}
      </ul>
      <More number={props.choices.length - CHOICES} />
    </>
  );
}

function Lines(props: {
  useCase: string;
  lines: readonly Line[];
  parameters: Parameters;
  keys: string;
}) {
  const { parameters } = props;
  const lines = useMemo(() => props.lines.slice(0, CHARTS), [props.lines]);
  const range = Number(among(parameters.range, RANGES, USUAL_RANGE)) * 1000;
  const what = lines.map((line) => `${line.series.name} ${line.key} ${line.of}`).join("\n");
  const loaded = useLoaded<readonly Values[]>(
    `series ${props.useCase} ${what} ${range} ${props.keys}`,
    (signal, before) =>
      Promise.all(
        lines.map((line, n) => read(props.useCase, line, range, before?.[n], signal)),
      ),
    pace(parameters),
  );
  if (!lines.length) {
    return <p class="note">Nothing of this name was measured today or yesterday.</p>;
  }
  return (
    <Shown
      loaded={loaded}
      empty={(found) =>
        found.some((one) => one.times.length) ? undefined : "Nothing was measured in this range."
      }
    >
      {(found) => (
        <>
          <Overview found={found} />
          {props.lines.length > CHARTS && (
            <p class="note">
              These are {CHARTS} of {number(props.lines.length)} series of this name.
            </p>
          )}
          {found.map((one, n) => (
            <Drawn key={`${one.line.series.name} ${one.line.of}`} one={one} colour={n} />
          ))}
        </>
      )}
    </Shown>
  );
}

interface Point {
  readonly at: string;
  readonly value: number;
}

/** The newest values of a line; of one that was read before only what may be new is read. */
async function read(
  useCase: string,
  line: Line,
  range: number,
  before: Values | undefined,
  signal: AbortSignal,
): Promise<Values> {
  const start = Date.now() - range;
  const newest = before?.times.at(-1);
  const from = newest === undefined ? start : Math.max(start, newest * 1000 - LATE_MS);
  const query = { key: line.key, of: line.of, from, limit: MOST };
  const path = `series/${useCase}/${line.series.name}`;
  const page = await get<{ points: Point[]; next: string | null }>(
    "DashboardKey",
    path,
    query,
    signal,
  );
  return joined(line, before, page.points.reverse(), start / 1000, from / 1000, page.next);
}

/** What was there before `from`, then the points, within the range and the newest of them. */
function joined(
  line: Line,
  before: Values | undefined,
  points: readonly Point[],
  start: number,
  from: number,
  next: string | null,
): Values {
  const times: number[] = [];
  const values: number[] = [];
  const kept = next ? undefined : before; // with a next page, these are as many as are shown
  for (let n = 0; kept && n < kept.times.length; n++) {
    const at = kept.times[n]!;
    if (at >= start && at < from) {
      times.push(at);
      values.push(kept.values[n]!);
    }
  }
  for (const point of points) {
    times.push(Date.parse(point.at) / 1000);
    values.push(point.value);
  }
  const left = Math.max(0, times.length - MOST);
  const complete = !next && !left && (before?.complete ?? true);
  return { line, times: times.slice(left), values: values.slice(left), complete };
}

function Overview(props: { found: readonly Values[] }) {
  return (
    <Table label="Newest values">
      <thead>
        <tr>
          <th scope="col">series</th>
          <th scope="col" class="number">
            points
          </th>
          <th scope="col" class="number">
            newest
          </th>
          <th scope="col">measured ({OWN_ZONE})</th>
          <th scope="col" class="number">
            minimum
          </th>
          <th scope="col" class="number">
            mean
          </th>
          <th scope="col" class="number">
            maximum
          </th>
        </tr>
      </thead>
      <tbody>
        {props.found.map((one) => (
          <Row key={`${one.line.series.name} ${one.line.of}`} one={one} />
        ))}
      </tbody>
    </Table>
  );
}

function Row(props: { one: Values }) {
  const { line, times, values } = props.one;
  const newest = times.at(-1);
  const bounds = useMemo(() => measures(values), [values]);
  return (
    <tr title={line.series.doc}>
      <th scope="row">{named(line)}</th>
      <td class="number">
        {number(times.length)}
        {props.one.complete ? "" : " newest"}
      </td>
      <td class="number">{number(values.at(-1))}</td>
      <td>{newest === undefined ? "–" : time(new Date(newest * 1000).toISOString(), OWN_ZONE)}</td>
      <td class="number">{number(bounds?.minimum)}</td>
      <td class="number">{number(bounds?.mean)}</td>
      <td class="number">{number(bounds?.maximum)}</td>
    </tr>
  );
}

function measures(values: readonly number[]) {
  if (!values.length) return undefined;
  let [minimum, maximum, sum] = [Infinity, -Infinity, 0];
  for (const value of values) {
    minimum = Math.min(minimum, value);
    maximum = Math.max(maximum, value);
    sum += value;
  }
  return { minimum, maximum, mean: sum / values.length };
}

function Drawn(props: { one: Values; colour: number }) {
  const { line, times, values } = props.one;
  const label = named(line);
  const lines = useMemo(() => [{ label, values }], [label, values]);
  if (!times.length) return null;
  return (
    <>
      <h2>{label}</h2>
      <Chart
        label={`${label} of ${line.key} over time`}
        times={times}
        lines={lines}
        zone={OWN_ZONE}
        height={180}
        together="series"
        colour={props.colour}
      />
      <Newest one={props.one} />
    </>
  );
}

function Newest(props: { one: Values }) {
  const { line, times, values } = props.one;
  const rows = times.slice(-LISTED).map((at, n) => [at, values.slice(-LISTED)[n]] as const);
  return (
    <details>
      <summary>The newest values of {named(line)}</summary>
      <Table label={`The newest values of ${named(line)}`}>
        <thead>
          <tr>
            <th scope="col">measured ({OWN_ZONE})</th>
            <th scope="col" class="number">
              value
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.reverse().map(([at, value]) => (
            <tr key={at}>
              <th scope="row">{time(new Date(at * 1000).toISOString(), OWN_ZONE)}</th>
              <td class="number">{number(value)}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </details>
  );
}
