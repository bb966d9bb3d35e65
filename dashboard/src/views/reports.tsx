// A report of one key as chart and table, by period and time zone.
import { useMemo } from "preact/hooks";
import { all, get } from "../api";
import { type Catalog, type Report, chosen } from "../catalog";
import { Chart } from "../chart";
import { OWN_ZONE, ZONES, isZone, number } from "../format";
import { type Loaded, useLoaded } from "../loading";
import { CHOICES, More, Pace, Select, Shown, Table, Text, among, pace } from "../parts";
import type { Parameters } from "../state";

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ["MINUTES", 60],
  ["HOURS", 3600],
  ["HALF_DAYS", 43_200],
  ["DAYS", 86_400],
  ["WEEKS", 604_800],
  ["MONTHS", 2_419_200],
  ["YEARS", 31_536_000],
];
const EVER = "all"; // a parameter without a value is not in the address
const RANGES = [
  ["3600", "last hour"],
  ["86400", "last day"],
  ["604800", "last week"],
  ["2592000", "last 30 days"],
  [EVER, "all"],
] as const;
const USUAL_RANGE = "86400";
const SHOWN = 500;

type Row = { readonly period_start: string; readonly final: boolean } & Readonly<
  Record<string, string | number | boolean | null>
>;

export function Reports(props: { catalog: Catalog; parameters: Parameters; keys: string }) {
  const { parameters } = props;
  const having = props.catalog.use_cases.filter((u) => u.reports.length > 0);
  const useCase = chosen(props.catalog, parameters, (u) => u.reports.length > 0);
  const report =
    useCase?.reports.find((r) => r.path === parameters.report) ?? useCase?.reports[0];
  if (!useCase || !report) {
    return (
      <section>
        <h1>Reports</h1>
        <p class="note">No deployed use case has a report.</p>
      </section>
    );
  }
  return (
    <section>
      <h1>Reports</h1>
      <div class="controls">
        <Select
          label="Use case"
          name="use_case"
          value={useCase.name}
          choices={having.map((u) => u.name)}
          also={{ report: "", key: "", measure: "" }}
        />
        <Select
          label="Report"
          name="report"
          value={report.path}
          choices={useCase.reports.map((r) => r.path)}
          also={{ key: "", measure: "" }}
        />
      </div>
      <p class="quiet">{report.doc}</p>
      <OneReport
        key={`${useCase.name}/${report.path}`}
        useCase={useCase.name}
        report={report}
        parameters={parameters}
        keys={props.keys}
      />
    </section>
  );
}

function OneReport(props: {
  useCase: string;
  report: Report;
  parameters: Parameters;
  keys: string;
}) {
  const { useCase, report, parameters } = props;
  const known = useLoaded<string[]>(`keys ${useCase}/${report.path} ${props.keys}`, async (signal) => {
    const path = `keys/${useCase}/${report.path}`;
    return (await get<{ keys: string[] }>("DashboardKey", path, { limit: 1000 }, signal)).keys;
  });
  const key = parameters.key ?? "";
  const units = UNITS.filter(([, seconds]) => seconds >= report.bucket_seconds).map(([n]) => n);
  const period = units.find((unit) => unit === parameters.period) ?? units[0] ?? "HOURS";
  const zone = parameters.zone && isZone(parameters.zone) ? parameters.zone : OWN_ZONE;
  return (
    <>
      <div class="controls">
        <Text
          label={report.key.name}
          name="key"
          value={key}
          choices={known.data ?? []}
          placeholder={known.data?.[0] ? `such as ${known.data[0]}` : ""}
        />
        <Select label="Period" name="period" value={period} choices={units} />
        <Select
          label="Range"
          name="range"
          value={among(parameters.range, RANGES, USUAL_RANGE)}
          choices={RANGES}
        />
        <Text label="Time zone" name="zone" value={zone} choices={ZONES} />
        <Pace parameters={parameters} />
      </div>
      {key ? (
        <Rows {...props} of={key} period={period} zone={zone} />
      ) : (
        <Known known={known} report={report} />
      )}
    </>
  );
}

function Known(props: { known: Loaded<readonly string[]>; report: Report }) {
  const query = new URLSearchParams(location.hash.split("?")[1] ?? "");
  const none = `Nothing was counted today or yesterday. Enter a ${props.report.key.name}.`;
  return (
    <Shown loaded={props.known} empty={(known) => (known.length ? undefined : none)}>
      {(known) => (
        <>
          <h2>Counted today or yesterday</h2>
          <ul class="choices">
            {known.slice(0, CHOICES).map((key) => {
              query.set("key", key);
              return (
                <li key={key}>
                  <a href={`#/reports?${query}`}>{key}</a>
                </li>
              );
            })}
          </ul>
          <More number={known.length - CHOICES} />
        </>
      )}
    </Shown>
  );
}

function Rows(props: {
  report: Report;
  parameters: Parameters;
  keys: string;
  of: string;
  period: string;
  zone: string;
}) {
  const { report, parameters, period, zone } = props;
  const range = among(parameters.range, RANGES, USUAL_RANGE);
  const path = `reports/${report.path}/${encodeURIComponent(props.of)}/period`;
  const loaded = useLoaded<readonly Row[]>(
    [path, period, zone, range, props.keys].join(" "),
    async (signal, before) => {
      const open = before?.find((row) => !row.final);
      const from = open?.period_start ?? (range === EVER ? "" : Date.now() - Number(range) * 1000);
      const query = { period, timezone: zone, from, limit: 1000 };
      const rows = (page: Record<string, unknown>) => page.rows as Row[];
      const found = await all("ApiKey", path, query, rows, signal);
      // What is final does not change: only later periods are read again.
      return open && before ? [...before.slice(0, before.indexOf(open)), ...found] : found;
    },
    pace(parameters),
  );
  return (
    <Shown
      loaded={loaded}
      empty={(rows) => (rows.length ? undefined : "Nothing was counted in this range.")}
    >
      {(rows) => (
        <Counted
          report={report}
          rows={rows}
          zone={zone}
          of={props.of}
          measure={parameters.measure ?? ""}
        />
      )}
    </Shown>
  );
}

function Counted(props: {
  report: Report;
  rows: readonly Row[];
  zone: string;
  of: string;
  measure: string;
}) {
  const { report, rows } = props;
  const drawable = report.measures.filter((m) => m.kind === "integer" || m.kind === "number");
  const one = drawable.filter((m) => m.name === props.measure);
  const measures = one.length ? one : drawable;
  const times = useMemo(() => rows.map((row) => Date.parse(row.period_start) / 1000), [rows]);
  const lines = useMemo(
    () =>
      measures.map((measure) => ({
        label: measure.name,
        values: rows.map((row) => row[measure.name] as number | null),
      })),
    [rows, props.measure],
  );
  const newest = [...rows].reverse().slice(0, SHOWN);
  return (
    <>
      <div class="controls">
        <Select
          label="Chart"
          name="measure"
          value={one[0]?.name ?? ""}
          choices={[["", "all measures"], ...drawable.map((m) => m.name)]}
        />
      </div>
      <Chart
        label={`${report.path} ${props.of}: ${measures.map((m) => m.name).join(", ")} by period`}
        times={times}
        lines={lines}
        zone={props.zone}
      />
      <Table label={`${report.path} ${props.of}`}>
        <thead>
          <tr>
            <th scope="col">period ({props.zone})</th>
            {report.measures.map((m) => (
              <th scope="col" class="number" key={m.name} title={m.doc}>
                {m.name}
              </th>
            ))}
            <th scope="col">state</th>
          </tr>
        </thead>
        <tbody>
          {newest.map((row) => (
            <tr key={row.period_start}>
              <th scope="row">{row.period_start.slice(0, 16).replace("T", " ")}</th>
              {report.measures.map((m) => (
                <td class="number" key={m.name}>
                  {number(row[m.name])}
                </td>
              ))}
              <td>{row.final ? "final" : <span class="open">open</span>}</td>
            </tr>
          ))}
        </tbody>
      </Table>
      {rows.length > SHOWN && (
        <p class="note">
          The table has the newest {SHOWN} of {number(rows.length)} periods, the chart all.
        </p>
      )}
    </>
  );
}
