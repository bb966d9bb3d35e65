// The platform: what flows through a use case, and how far each stage is behind.
import { useMemo } from "preact/hooks";
import { all, get } from "../api";
import { type Catalog, chosen } from "../catalog";
import { Chart } from "../chart";
import { OWN_ZONE, age, number, rate, time } from "../format";
import { useLoaded } from "../loading";
import { Pace, Select, Shown, Table, among, pace } from "../parts";
import type { Parameters } from "../state";

const RANGES = [
  ["3600", "last hour"],
  ["21600", "last 6 hours"],
  ["86400", "last day"],
] as const;
const USUAL_RANGE = "3600";
const SHOWN = 20;
const WAYS = ["in", "out", "refused"] as const;

interface Minute {
  readonly minute: string;
  readonly in: number;
  readonly out: number;
  readonly refused: number;
  readonly complete: boolean;
}

interface Stage {
  readonly name: string;
  readonly seconds: number | null;
  readonly doc: string;
}

const TITLES: Readonly<Record<string, string>> = {
  job: "Job behind",
  report: "Event to report",
  lake: "Lake behind",
};

export function Platform(props: { catalog: Catalog; parameters: Parameters; keys: string }) {
  const { parameters } = props;
  const useCase = chosen(props.catalog, parameters);
  if (!useCase) {
    return (
      <section>
        <h1>Platform</h1>
        <p class="note">No use case is deployed.</p>
      </section>
    );
  }
  return (
    <section>
      <h1>Platform</h1>
      <p class="quiet">{useCase.doc}</p>
      <div class="controls">
        <Select
          label="Use case"
          name="use_case"
          value={useCase.name}
          choices={props.catalog.use_cases.map((u) => u.name)}
        />
        <Select
          label="Range"
          name="range"
          value={among(parameters.range, RANGES, USUAL_RANGE)}
          choices={RANGES}
        />
        <Pace parameters={parameters} />
      </div>
      <Stages key={`stages ${useCase.name}`} useCase={useCase.name} {...props} />
      <Flow key={useCase.name} useCase={useCase.name} {...props} />
    </section>
  );
}

function Stages(props: { useCase: string; parameters: Parameters; keys: string }) {
  const path = `metrics/${props.useCase}/stages`;
  const loaded = useLoaded<readonly Stage[]>(
    `${path} ${props.keys}`,
    async (signal) =>
      (await get<{ stages: Stage[] }>("DashboardKey", path, {}, signal)).stages,
    pace(props.parameters),
  );
  return (
    <Shown loaded={loaded}>
      {(stages) => (
        <dl class="figures">
          {stages.map((stage) => (
            <div key={stage.name} title={stage.doc}>
              <dt>{TITLES[stage.name] ?? stage.name}</dt>
              <dd>{stage.seconds === null ? "–" : age(stage.seconds)}</dd>
            </div>
          ))}
        </dl>
      )}
    </Shown>
  );
}

function Flow(props: { useCase: string; parameters: Parameters; keys: string }) {
  const range = Number(among(props.parameters.range, RANGES, USUAL_RANGE)) * 1000;
  const path = `metrics/${props.useCase}`;
  const loaded = useLoaded<readonly Minute[]>(
    `${path} ${range} ${props.keys}`,
    async (signal, before) => {
      // Complete minutes change only until all of their metrics have arrived.
      const settled = before?.[3]?.minute;
      const from = settled ? Date.parse(settled) : Date.now() - range;
      const minutes = (page: Record<string, unknown>) => page.minutes as Minute[];
      const found = await all("DashboardKey", path, { from, limit: 1440 }, minutes, signal);
      const oldest = found.at(-1)?.minute ?? "";
      const start = new Date(Date.now() - range).toISOString();
      const rest = (before ?? []).filter((m) => m.minute < oldest && m.minute >= start);
      return [...found, ...rest];
    },
    pace(props.parameters),
  );
  return (
    <Shown
      loaded={loaded}
      empty={(minutes) =>
        minutes.some((m) => m.in + m.out + m.refused) ? undefined : "Nothing was sent in this time."
      }
    >
      {(minutes) => <Minutes minutes={minutes} useCase={props.useCase} />}
    </Shown>
  );
}

function Minutes(props: { minutes: readonly Minute[]; useCase: string }) {
  const { minutes } = props;
  const drawn = useMemo(() => minutes.filter((m) => m.complete).reverse(), [minutes]);
  const times = useMemo(() => drawn.map((m) => Date.parse(m.minute) / 1000), [drawn]);
  const lines = useMemo(
    () => WAYS.map((way) => ({ label: `${way}/s`, values: drawn.map((m) => m[way] / 60) })),
    [drawn],
  );
  return (
    <>
      <h2>Records per second</h2>
      <Chart
        label={`Records of ${props.useCase} per second: in, out and refused, by minute`}
        times={times}
        lines={lines}
        zone={OWN_ZONE}
      />
      <Table label="Records by minute">
        <thead>
          <tr>
            <th scope="col">minute ({OWN_ZONE})</th>
            {WAYS.map((way) => (
              <th scope="col" class="number" key={way}>
                {way}
              </th>
            ))}
            <th scope="col" class="number">
              in/s
            </th>
          </tr>
        </thead>
        <tbody>
          {minutes.slice(0, SHOWN).map((m) => (
            <tr key={m.minute}>
              <th scope="row">
                {time(m.minute, OWN_ZONE).slice(0, 16)}
                {m.complete ? "" : <span class="open"> open</span>}
              </th>
              {WAYS.map((way) => (
                <td class="number" key={way}>
                  {number(m[way])}
                </td>
              ))}
              <td class="number">{m.complete ? rate(m.in / 60) : "–"}</td>
            </tr>
          ))}
        </tbody>
      </Table>
      <p class="note">In has heartbeats too: one for each shard and minute.</p>
    </>
  );
}
