// Dead letters: grouped by reason and field first, then listed with their bytes.
import { useState } from "preact/hooks";
import { get } from "../api";
import { type Catalog, chosen } from "../catalog";
import { OWN_ZONE, bytes, dump, number, text, time } from "../format";
import { useHeld } from "../held";
import { useLoaded } from "../loading";
import { Facts, Pace, Select, Shown, Table, Waiting, among, pace } from "../parts";
import { type Parameters, address, change } from "../state";
import { Resend } from "./resend";

interface Group {
  readonly stage: string;
  readonly reason: string;
  readonly field: string | null;
  readonly letters: number;
  readonly oldest: string;
  readonly newest: string;
}

interface Letter {
  readonly id: string;
  readonly stage: string;
  readonly reason: string;
  readonly field: string | null;
  readonly detail: string | null;
  readonly event_id: string | null;
  readonly occurred_at: string | null;
  readonly failed_at: string;
  readonly source: { stream: string | null; shard: string | null; sequence_number: string | null };
  readonly payload: string | null;
  readonly encoding: string | null;
  readonly payload_length: number;
}

const RANGES = [
  ["3600", "last hour"],
  ["86400", "last day"],
  ["604800", "last week"],
] as const;
const USUAL_RANGE = "86400";

export function Letters(props: { catalog: Catalog; parameters: Parameters; keys: string }) {
  const { parameters } = props;
  const useCase = chosen(props.catalog, parameters);
  if (!useCase) {
    return (
      <section>
        <h1>Dead letters</h1>
        <p class="note">No use case is deployed.</p>
      </section>
    );
  }
  return (
    <section>
      <h1>Dead letters</h1>
      <p class="quiet">Each event that was accepted and not counted, with the reason.</p>
      <div class="controls">
        <Select
          label="Use case"
          name="use_case"
          value={useCase.name}
          choices={props.catalog.use_cases.map((u) => u.name)}
          also={{ stage: "", reason: "", field: "" }}
        />
        <Select label="Failed" name="range" value={rangeOf(parameters)} choices={RANGES} />
        <Pace parameters={parameters} usual="30" />
      </div>
      <Groups useCase={useCase.name} parameters={parameters} keys={props.keys} />
      {parameters.reason && (
        <List
          key={[useCase.name, parameters.stage, parameters.reason, parameters.field].join("\n")}
          useCase={useCase.name}
          parameters={parameters}
          keys={props.keys}
        />
      )}
    </section>
  );
}

const rangeOf = (parameters: Parameters) => among(parameters.range, RANGES, USUAL_RANGE);
const since = (parameters: Parameters) => Date.now() - Number(rangeOf(parameters)) * 1000;

function Groups(props: { useCase: string; parameters: Parameters; keys: string }) {
  const { parameters } = props;
  const loaded = useLoaded<readonly Group[]>(
    `groups ${props.useCase} ${parameters.range} ${props.keys}`,
    async (signal) => {
      const path = `dead-letters/${props.useCase}/groups`;
      const query = { from: since(parameters), limit: 100 };
      const page = await get<{ groups: Group[] }>("DashboardKey", path, query, signal);
      return page.groups.sort((a, b) => b.letters - a.letters);
    },
    pace(parameters, "30"),
  );
  return (
    <Shown
      loaded={loaded}
      empty={(groups) =>
        groups.length ? undefined : "No dead letters: every event of this time was counted."
      }
    >
      {(groups) => (
        <Table label="Dead letters by reason and field">
          <thead>
            <tr>
              <th scope="col">reason</th>
              <th scope="col">field</th>
              <th scope="col">stage</th>
              <th scope="col" class="number">
                letters
              </th>
              <th scope="col">newest ({OWN_ZONE})</th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => {
              const { stage, reason } = group;
              const field = group.field ?? "";
              const is =
                parameters.reason === reason &&
                parameters.stage === stage &&
                (parameters.field ?? "") === field;
              const to = { ...parameters, use_case: props.useCase, stage, reason, field };
              return (
                <tr key={`${stage} ${reason} ${field}`} class={is ? "chosen" : ""}>
                  <th scope="row">
                    <a
                      href={address({ view: "dead-letters", parameters: to })}
                      aria-current={is ? "true" : undefined}
                    >
                      {reason}
                    </a>
                  </th>
                  <td>{field || "–"}</td>
                  <td>{stage}</td>
                  <td class="number">{number(group.letters)}</td>
                  <td>{time(group.newest, OWN_ZONE)}</td>
                </tr>
              );
            })}
          </tbody>
        </Table>
      )}
    </Shown>
  );
}

interface Page {
  readonly letters: readonly Letter[];
  readonly next: string | null;
}

/** What is shown stays where it is: new letters wait until the reader wants them. */
function List(props: { useCase: string; parameters: Parameters; keys: string }) {
  const { parameters } = props;
  const path = `dead-letters/${props.useCase}`;
  const query = {
    stage: parameters.stage,
    reason: parameters.reason,
    limit: 50,
    from: since(parameters),
  };
  // The empty field is a filter too: letters that name no field.
  const field = `?field=${encodeURIComponent(parameters.field ?? "")}`;
  const loaded = useLoaded<Page>(
    [path, parameters.range, props.keys].join(" "),
    (signal) => get("DashboardKey", path + field, query, signal),
    pace(parameters, "30"),
  );
  const held = useHeld(
    loaded.data && { rows: loaded.data.letters, next: loaded.data.next },
    (letter) => letter.failed_at,
    async (to) => {
      const signal = new AbortController().signal;
      const page = await get<Page>("DashboardKey", path + field, { ...query, to }, signal);
      return { rows: page.letters, next: page.next };
    },
  );
  return (
    <>
      <h2>
        {parameters.reason}
        {parameters.field ? ` at ${parameters.field}` : ""}{" "}
        <button
          type="button"
          class="close"
          onClick={() => change({ stage: "", reason: "", field: "" }, false)}
        >
          Close
        </button>
      </h2>
      <Waiting loaded={loaded} held={held} empty="No dead letters of this kind.">
        {(letter) => <One letter={letter} useCase={props.useCase} />}
      </Waiting>
    </>
  );
}

function One(props: { letter: Letter; useCase: string }) {
  const { letter } = props;
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <time dateTime={letter.failed_at}>{time(letter.failed_at, OWN_ZONE)}</time>
        <span>{letter.detail ?? letter.reason}</span>
      </summary>
      {open && <Opened letter={letter} useCase={props.useCase} />}
    </details>
  );
}

function Opened(props: { letter: Letter; useCase: string }) {
  const { letter } = props;
  const loaded = useLoaded<{ data: Uint8Array | undefined }>(letter.id, async (signal) => {
    let { payload } = letter;
    if (payload === null && letter.payload_length > 0) {
      const query = { id: letter.id, from: letter.failed_at };
      const path = `dead-letters/${props.useCase}`;
      const page = await get<Page>("DashboardKey", path, query, signal);
      payload = page.letters[0]?.payload ?? null;
    }
    return { data: payload === null ? undefined : await bytes(payload, letter.encoding) };
  });
  const facts: readonly (readonly [string, string | null])[] = [
    ["event_id", letter.event_id],
    ["occurred at", letter.occurred_at],
    ["field", letter.field],
    ["stage", letter.stage],
    ["stream", letter.source.stream],
    ["shard", letter.source.shard],
    ["sequence number", letter.source.sequence_number],
    ["id", letter.id],
  ];
  return (
    <div class="opened">
      <Facts facts={facts} />
      <Shown
        loaded={loaded}
        empty={({ data }) =>
          data ? undefined : "The bytes do not fit in a dead letter: read them from the stream."
        }
      >
        {({ data }) => <Bytes data={data ?? new Uint8Array()} />}
      </Shown>
      {letter.stage === "flink" && loaded.data && (
        <Resend
          useCase={props.useCase}
          id={letter.id}
          failedAt={letter.failed_at}
          data={loaded.data.data}
        />
      )}
    </div>
  );
}

const MOST = 20_000;

function Bytes(props: { data: Uint8Array }) {
  const readable = text(props.data);
  const [raw, setRaw] = useState(readable === undefined);
  const content = raw ? dump(props.data.subarray(0, MOST)) : (readable ?? "").slice(0, MOST);
  return (
    <>
      <div class="controls">
        <span class="quiet">{number(props.data.length)} bytes</span>
        {readable !== undefined && (
          <button type="button" aria-pressed={raw} onClick={() => setRaw(!raw)}>
            Hexadecimal
          </button>
        )}
        <button type="button" onClick={() => void navigator.clipboard?.writeText(content)}>
          Copy
        </button>
      </div>
      <pre tabIndex={0} aria-label="The record as it was sent">
        {content}
      </pre>
    </>
  );
}
