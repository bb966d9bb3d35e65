// The ledger: what was received in each minute, what became of it, and which records are missing.
import { get } from "../api";
import { type Catalog, chosen } from "../catalog";
import { OWN_ZONE, number, time } from "../format";
import { useLoaded } from "../loading";
import { Pace, Select, Shown, Table, among, pace } from "../parts";
import { type Parameters, address, change } from "../state";

interface Minute {
  readonly minute: string;
  readonly ok: number;
  readonly refused: number;
  readonly unknown: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly redelivered: number;
  readonly open: number;
  readonly missing: number;
  readonly excess: number;
  readonly state: string;
}

const RANGES = [
  ["3600", "last hour"],
  ["86400", "last day"],
  ["604800", "last week"],
] as const;
const USUAL_RANGE = "86400";
const ROWS = 200;
const WHY = "their pipelines do not say what becomes of events (docs/ledger.md).";

export function Ledger(props: { catalog: Catalog; parameters: Parameters; keys: string }) {
  const { parameters } = props;
  const useCase = chosen(props.catalog, parameters, (u) => u.ledger);
  const without = props.catalog.use_cases.filter((u) => !u.ledger).map((u) => u.name);
  if (!useCase) {
    return (
      <section>
        <h1>Ledger</h1>
        <p class="note">No deployed use case has a ledger: {WHY}</p>
      </section>
    );
  }
  return (
    <section>
      <h1>Ledger</h1>
      <p class="quiet">
        A minute of receipt balances when what was acknowledged (ok) is what became of it: the
        outcomes and what is open.
      </p>
      <div class="controls">
        <Select
          label="Use case"
          name="use_case"
          value={useCase.name}
          choices={props.catalog.use_cases.filter((u) => u.ledger).map((u) => u.name)}
        />
        <Select
          label="Range"
          name="range"
          value={among(parameters.range, RANGES, USUAL_RANGE)}
          choices={RANGES}
        />
        <Select
          label="Minutes"
          name="wrong"
          value={parameters.wrong ?? ""}
          choices={[
            ["", "all"],
            ["true", "that do not balance"],
          ]}
        />
        <Pace parameters={parameters} usual="30" />
      </div>
      {without.length > 0 && (
        <p class="note">
          Without a ledger: {without.join(", ")}; {WHY}
        </p>
      )}
      <Minutes key={useCase.name} useCase={useCase.name} parameters={parameters} keys={props.keys} />
      {parameters.minute && (
        <Missing
          key={`${useCase.name} ${parameters.minute}`}
          useCase={useCase.name}
          minute={parameters.minute}
          keys={props.keys}
        />
      )}
    </section>
  );
}

interface Page {
  readonly minutes: readonly Minute[];
  readonly next: string | null;
}

function Minutes(props: { useCase: string; parameters: Parameters; keys: string }) {
  const { parameters, useCase } = props;
  const range = among(parameters.range, RANGES, USUAL_RANGE);
  const loaded = useLoaded<Page>(
    `ledger ${useCase} ${range} ${parameters.wrong} ${props.keys}`,
    (signal) => {
      const from = Date.now() - Number(range) * 1000;
      const query = { from, wrong: parameters.wrong, limit: ROWS };
      return get("DashboardKey", `ledger/${useCase}`, query, signal);
    },
    pace(parameters, "30"),
  );
  const none = parameters.wrong
    ? "Every minute of this time balances."
    : "Nothing was received in this time.";
  return (
    <Shown loaded={loaded} empty={(page) => (page.minutes.length ? undefined : none)}>
      {(page) => (
        <>
          <Balance page={page} useCase={useCase} parameters={parameters} />
          {page.next && <p class="note">These are the newest {ROWS} minutes with records.</p>}
        </>
      )}
    </Shown>
  );
}

function Balance(props: { page: Page; useCase: string; parameters: Parameters }) {
  const { minutes } = props.page;
  const outcomes = Object.keys(minutes[0]?.outcomes ?? {});
  const titles = ["ok", "refused", "unknown", ...outcomes, "redelivered", "open"];
  return (
    <Table label="Minutes of receipt">
      <thead>
        <tr>
          <th scope="col">minute ({OWN_ZONE})</th>
          <th scope="col">state</th>
          {titles.map((title) => (
            <th scope="col" class="number" key={title}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {minutes.map((m) => (
          <tr key={m.minute} class={m.minute === props.parameters.minute ? "chosen" : ""}>
            <th scope="row">{time(m.minute, OWN_ZONE).slice(0, 16)}</th>
            <td>
              <State minute={m} useCase={props.useCase} parameters={props.parameters} />
            </td>
            {[m.ok, m.refused, m.unknown].map((value, n) => (
              <td class="number" key={n}>
                {number(value)}
              </td>
            ))}
            {outcomes.map((name) => (
              <td class="number" key={name}>
                {number(m.outcomes[name])}
              </td>
            ))}
            <td class="number">{number(m.redelivered)}</td>
            <td class="number">{number(m.open)}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function State(props: { minute: Minute; useCase: string; parameters: Parameters }) {
  const { minute } = props;
  if (minute.missing) {
    const parameters = { ...props.parameters, use_case: props.useCase, minute: minute.minute };
    return (
      <a
        class="bad"
        href={address({ view: "ledger", parameters })}
        aria-current={minute.minute === props.parameters.minute ? "true" : undefined}
      >
        <strong>{number(minute.missing)} missing</strong>
      </a>
    );
  }
  if (minute.excess) return <strong class="bad">{number(minute.excess)} too many</strong>;
  const letters = Object.entries(minute.outcomes).some(([name, n]) => name !== "counted" && n);
  const state = <span class={minute.state === "closed" ? "good" : ""}>{minute.state}</span>;
  if (!letters) return state;
  return (
    <>
      {state},{" "}
      <a href={address({ view: "dead-letters", parameters: { use_case: props.useCase } })}>
        dead letters
      </a>
    </>
  );
}

interface MissingRecord {
  readonly event_id: string;
  readonly type: string;
  readonly key: string;
  readonly occurred_at: string;
  readonly received_at: string;
  readonly state: string;
  readonly last_seen: string;
}

interface MissingRecords {
  readonly missing: number;
  readonly records: readonly MissingRecord[];
  readonly hidden: number;
  readonly notes: readonly string[];
}

/** What was accepted in a minute and is not counted, as far as the lake knows. */
function Missing(props: { useCase: string; minute: string; keys: string }) {
  const { minute } = props;
  const loaded = useLoaded<MissingRecords>(
    `missing ${props.useCase} ${minute} ${props.keys}`,
    (signal) => get("DashboardKey", `ledger/${props.useCase}/missing`, { minute }, signal),
  );
  const heading = `Missing of ${time(minute, OWN_ZONE).slice(0, 16)}`;
  return (
    <section aria-label={heading}>
      <h2>
        {heading}{" "}
        <button type="button" class="close" onClick={() => change({ minute: "" }, false)}>
          Close
        </button>
      </h2>
      <Shown
        loaded={loaded}
        empty={(found) => (found.missing ? undefined : "Nothing of this minute is missing.")}
      >
        {(found) => (
          <>
            {found.records.length > 0 && <Records records={found.records} label={heading} />}
            {found.hidden > 0 && <p class="note">… and {number(found.hidden)} more.</p>}
            {found.notes.map((note) => (
              <p class="note" key={note}>
                {note}
              </p>
            ))}
          </>
        )}
      </Shown>
    </section>
  );
}

function Records(props: { records: readonly MissingRecord[]; label: string }) {
  return (
    <Table label={props.label}>
      <thead>
        <tr>
          <th scope="col">event_id</th>
          <th scope="col">state</th>
          <th scope="col">type</th>
          <th scope="col">key</th>
          <th scope="col">occurred ({OWN_ZONE})</th>
          <th scope="col">received ({OWN_ZONE})</th>
          <th scope="col">last seen</th>
        </tr>
      </thead>
      <tbody>
        {props.records.map((record) => (
          <tr key={`${record.type} ${record.key} ${record.event_id}`}>
            <th scope="row">{record.event_id}</th>
            <td>{record.state}</td>
            <td>{record.type}</td>
            <td>{record.key}</td>
            <td>{time(record.occurred_at, OWN_ZONE)}</td>
            <td>{time(record.received_at, OWN_ZONE)}</td>
            <td>{record.last_seen}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}
