// Decisions and actions of a customer, or of all: what was decided, why, and what was sent.
import { get } from "../api";
import { type Catalog, type UseCase, chosen } from "../catalog";
import { OWN_ZONE, number, time } from "../format";
import { type Rows, useHeld } from "../held";
import { useLoaded } from "../loading";
import { Facts, Pace, Select, Text, Waiting, among, pace } from "../parts";
import { type Parameters, address } from "../state";

interface Rule {
  readonly name: string;
  readonly version: number;
  readonly mode?: string;
  readonly result: string;
  readonly reason?: string | null;
  readonly features?: Readonly<Record<string, number>>;
}

interface Decision {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly customer_id: string | null;
  readonly occurred_at: string;
  readonly passed: boolean;
  readonly rules: readonly Rule[];
  readonly score: number | null;
  readonly model_version: string | null;
  readonly action_id: string | null;
  readonly detail: string | null;
  readonly trace_id: string | null;
}

interface Action {
  readonly id: string;
  readonly kind: string;
  readonly channel: string;
  readonly customer: string;
  readonly title: string | null;
  readonly message: string | null;
  readonly outcome: string;
  readonly occurred_at: string;
  readonly decided_at: string;
  readonly due_at: string;
  readonly destinations: Readonly<
    Record<string, { status: string; attempts: number; at: string | null; error: string | null }>
  >;
}

const RANGES = [
  ["3600", "last hour"],
  ["86400", "last day"],
  ["604800", "last week"],
] as const;
const USUAL_RANGE = "86400";
const PAGE = 50;

type Given = { useCase: string; parameters: Parameters; keys: string };

export function Decisions(props: { catalog: Catalog; parameters: Parameters; keys: string }) {
  const { parameters } = props;
  const has = (u: UseCase) => u.decisions || u.actions;
  const useCase = chosen(props.catalog, parameters, has);
  if (!useCase) {
    return (
      <section>
        <h1>Decisions</h1>
        <p class="note">No deployed use case has decisions.</p>
      </section>
    );
  }
  const views = [
    ...(useCase.decisions ? [["decisions", "decisions"] as const] : []),
    ...(useCase.actions ? [["actions", "actions"] as const] : []),
  ];
  const list = views.find(([name]) => name === parameters.list)?.[0] ?? views[0]![0];
  const List = list === "actions" ? Actions : Decided;
  return (
    <section>
      <h1>Decisions</h1>
      <p class="quiet">What was decided about each business event, and what was sent to whom.</p>
      <div class="controls">
        <Select
          label="Use case"
          name="use_case"
          value={useCase.name}
          choices={props.catalog.use_cases.filter(has).map((u) => u.name)}
          also={{ customer: "" }}
        />
        <Select label="Show" name="list" value={list} choices={views} />
        <Text
          label="Customer"
          name="customer"
          value={parameters.customer ?? ""}
          placeholder="all"
        />
        <Select
          label="Range"
          name="range"
          value={among(parameters.range, RANGES, USUAL_RANGE)}
          choices={RANGES}
        />
        <Pace parameters={parameters} usual={list === "actions" ? "5" : "30"} />
      </div>
      <List
        key={[useCase.name, list, parameters.customer, parameters.range].join("\n")}
        useCase={useCase.name}
        parameters={parameters}
        keys={props.keys}
      />
    </section>
  );
}

function useRows<T extends { readonly id: string }>(
  props: Given,
  list: string,
  usual: string,
  timeOf: (row: T) => string,
) {
  const { parameters, useCase } = props;
  const query = () => ({
    customer: parameters.customer,
    from: Date.now() - Number(among(parameters.range, RANGES, USUAL_RANGE)) * 1000,
    limit: PAGE,
  });
  const read = async (more: object, signal: AbortSignal): Promise<Rows<T>> => {
    const path = `${list}/${useCase}`;
    const page = await get<Record<string, unknown>>(
      "DashboardKey",
      path,
      { ...query(), ...more },
      signal,
    );
    return { rows: page[list] as readonly T[], next: page.next as string | null };
  };
  const loaded = useLoaded<Rows<T>>(
    [list, useCase, parameters.customer, parameters.range, props.keys].join(" "),
    (signal) => read({}, signal),
    pace(parameters, usual),
  );
  const held = useHeld(loaded.data, timeOf, (to) => read({ to }, new AbortController().signal));
  return { loaded, held };
}

function Decided(props: Given) {
  const { loaded, held } = useRows<Decision>(props, "decisions", "30", (row) => row.occurred_at);
  return (
    <Waiting
      loaded={loaded}
      held={held}
      empty="Nothing was decided in this time. Decisions arrive with the files of the lake."
    >
      {(row) => (
        <details>
          <summary>
            <time dateTime={row.occurred_at}>{time(row.occurred_at, OWN_ZONE)}</time>
            <span class={row.passed ? "good" : "quiet"}>{row.passed ? "passed" : "stopped"}</span>
            <span>
              {row.kind} of {row.customer_id ?? row.subject}
            </span>
          </summary>
          <div class="opened">
            <ul class="rules">
              {row.rules.map((rule) => (
                <li key={`${rule.name} ${rule.version}`}>
                  {rule.name} version {rule.version}
                  {rule.mode === "shadow" ? " (shadow)" : ""} is <strong>{rule.result}</strong>
                  {rule.reason ? `: ${rule.reason}` : ""}
                  {Object.entries(rule.features ?? {}).map(
                    ([name, version]) => ` · feature ${name} version ${version}`,
                  )}
                </li>
              ))}
              {row.rules.length === 0 && <li>No rule was in force.</li>}
            </ul>
            <Facts
              facts={[
                ["detail", row.detail],
                ["subject", row.subject],
                ["customer", row.customer_id],
                ["score", row.score === null ? null : number(row.score)],
                ["model", row.model_version],
                ["action", row.action_id],
                ["trace", row.trace_id],
                ["id", row.id],
              ]}
            />
            {row.action_id && (
              <a href={address({ view: "decisions", parameters: actionsOf(props, row) })}>
                Actions of {row.customer_id ?? row.subject}
              </a>
            )}
          </div>
        </details>
      )}
    </Waiting>
  );
}

function actionsOf(props: Given, row: Decision): Parameters {
  const customer = row.customer_id ?? row.subject;
  return { ...props.parameters, use_case: props.useCase, list: "actions", customer };
}

function Actions(props: Given) {
  const { loaded, held } = useRows<Action>(props, "actions", "5", (row) => row.decided_at);
  return (
    <Waiting loaded={loaded} held={held} empty="No action was decided in this time.">
      {(row) => (
        <details>
          <summary>
            <time dateTime={row.decided_at}>{time(row.decided_at, OWN_ZONE)}</time>
            <span>{status(row)}</span>
            <span>
              {row.customer} by {row.channel}: {row.message ?? row.kind}
            </span>
          </summary>
          <div class="opened">
            <Facts
              facts={[
                ["title", row.title],
                ["message", row.message],
                ["kind", row.kind],
                ["occurred at", time(row.occurred_at, OWN_ZONE)],
                ["due at", time(row.due_at, OWN_ZONE)],
                ...Object.entries(row.destinations).map(
                  ([name, state]) =>
                    [
                      name,
                      `${state.status} after ${state.attempts} attempt${state.attempts === 1 ? "" : "s"}` +
                        (state.error ? `: ${state.error}` : ""),
                    ] as const,
                ),
                ["id", row.id],
              ]}
            />
          </div>
        </details>
      )}
    </Waiting>
  );
}

/** The state at its destinations, or why it is sent to none. */
function status(action: Action): string {
  if (action.outcome !== "due") return action.outcome;
  const states = new Set(Object.values(action.destinations).map((state) => state.status));
  return [...states].sort().join(", ") || "no destination";
}
