// Models: each version, and what the gate decided about it.
import { all, get } from "../api";
import { type Catalog, chosen } from "../catalog";
import { OWN_ZONE, number, time } from "../format";
import { useLoaded } from "../loading";
import { Select, Shown, Table } from "../parts";
import { type Parameters, address, change } from "../state";

interface Version {
  readonly version: string;
  readonly status: string;
  readonly created_at: string;
  readonly reason: string | null;
  readonly rows: number | null;
  readonly log_loss: number | null;
  readonly auc: number | null;
  readonly calibration_error: number | null;
  readonly champion: string | null;
  readonly champion_log_loss: number | null;
  readonly champion_auc: number | null;
}

interface Evaluation {
  readonly version: string;
  readonly decision: string;
  readonly reasons: readonly string[];
  readonly rows: number;
  readonly from: string | null;
  readonly through: string | null;
  readonly models: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly segment: string | null;
  readonly segments: readonly {
    readonly segment: string;
    readonly rows: number;
    readonly challenger: number;
    readonly reference: number;
  }[];
}

const TITLES: Readonly<Record<string, string>> = {
  challenger: "this version",
  champion: "the champion then",
  baseline: "its own baseline",
  base_rate: "the base rate",
};
const MEASURES = ["log_loss", "auc", "calibration_error", "brier"] as const;
const WORST = 10;
const figure = (value: number | null | undefined) =>
  value === null || value === undefined ? "–" : value.toFixed(4);

export function Models(props: { catalog: Catalog; parameters: Parameters; keys: string }) {
  const { parameters } = props;
  const useCase = chosen(props.catalog, parameters, (u) => u.model);
  if (!useCase) {
    return (
      <section>
        <h1>Models</h1>
        <p class="note">No deployed use case has a model.</p>
      </section>
    );
  }
  return (
    <section>
      <h1>Models</h1>
      <p class="quiet">Each version, on rows that no model had seen, beside the champion of then.</p>
      <div class="controls">
        <Select
          label="Use case"
          name="use_case"
          value={useCase.name}
          choices={props.catalog.use_cases.filter((u) => u.model).map((u) => u.name)}
          also={{ version: "" }}
        />
      </div>
      <Versions key={useCase.name} useCase={useCase.name} parameters={parameters} keys={props.keys} />
      {parameters.version && (
        <Judged
          key={`${useCase.name} ${parameters.version}`}
          useCase={useCase.name}
          version={parameters.version}
          keys={props.keys}
        />
      )}
    </section>
  );
}

function Versions(props: { useCase: string; parameters: Parameters; keys: string }) {
  const { parameters, useCase } = props;
  const path = `models/${useCase}`;
  const loaded = useLoaded<readonly Version[]>(`${path} ${props.keys}`, (signal) =>
    all("DashboardKey", path, { limit: 50 }, (page) => page.versions as Version[], signal, 200),
  );
  return (
    <Shown
      loaded={loaded}
      empty={(found) => (found.length ? undefined : "No version yet. A run of training makes one.")}
    >
      {(found) => (
        <Table label="Versions">
          <thead>
            <tr>
              <th scope="col">version</th>
              <th scope="col">status</th>
              <th scope="col">registered ({OWN_ZONE})</th>
              {["rows", "log loss", "champion's", "AUC", "champion's", "calibration error"].map(
                (title, n) => (
                  <th scope="col" class="number" key={n}>
                    {title}
                  </th>
                ),
              )}
              <th scope="col">reason</th>
            </tr>
          </thead>
          <tbody>
            {found.map((one) => {
              const is = parameters.version === one.version;
              const to = { ...parameters, use_case: useCase, version: one.version };
              return (
                <tr key={one.version} class={is ? "chosen" : ""}>
                  <th scope="row">
                    <a
                      href={address({ view: "models", parameters: to })}
                      aria-current={is ? "true" : undefined}
                    >
                      {one.version}
                    </a>
                  </th>
                  <td class={one.status === "in service" ? "good" : ""}>{one.status}</td>
                  <td>{time(one.created_at, OWN_ZONE)}</td>
                  <td class="number">{number(one.rows)}</td>
                  <td class="number">{figure(one.log_loss)}</td>
                  <td class="number">{figure(one.champion_log_loss)}</td>
                  <td class="number">{figure(one.auc)}</td>
                  <td class="number">{figure(one.champion_auc)}</td>
                  <td class="number">{figure(one.calibration_error)}</td>
                  <td class="wide">{one.reason ?? "–"}</td>
                </tr>
              );
            })}
          </tbody>
        </Table>
      )}
    </Shown>
  );
}

function Judged(props: { useCase: string; version: string; keys: string }) {
  const path = `models/${props.useCase}/${encodeURIComponent(props.version)}/evaluation`;
  const loaded = useLoaded<Evaluation>(`${path} ${props.keys}`, (signal) =>
    get("DashboardKey", path, {}, signal),
  );
  return (
    <>
      <h2>
        {props.version}{" "}
        <button type="button" class="close" onClick={() => change({ version: "" }, false)}>
          Close
        </button>
      </h2>
      <Shown loaded={loaded}>
        {(found) => (
          <>
            <p>
              The gate's decision: <strong>{found.decision}</strong>
            </p>
            <ul>
              {found.reasons.map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
            {found.rows > 0 && <Figures found={found} />}
            {found.segments.length > 0 && <Segments found={found} />}
          </>
        )}
      </Shown>
    </>
  );
}

function Figures(props: { found: Evaluation }) {
  const { found } = props;
  const models = Object.keys(TITLES).filter((name) => found.models[name]);
  return (
    <>
      <p class="quiet">
        {number(found.rows)} rows that no model had seen, {time(found.from, OWN_ZONE)} to{" "}
        {time(found.through, OWN_ZONE)} ({OWN_ZONE})
      </p>
      <Table label="All models on the same rows">
        <thead>
          <tr>
            <th scope="col">measure</th>
            {models.map((name) => (
              <th scope="col" class="number" key={name}>
                {TITLES[name]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {MEASURES.map((measure) => (
            <tr key={measure}>
              <th scope="row">{measure.replaceAll("_", " ")}</th>
              {models.map((name) => (
                <td class="number" key={name}>
                  {figure(found.models[name]?.[measure])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </Table>
    </>
  );
}

function Segments(props: { found: Evaluation }) {
  const { found } = props;
  const reference = found.models.champion ? "champion" : "base rate";
  return (
    <>
      <h3>
        Log loss where it is worst beside the {reference}, by {found.segment}
      </h3>
      <Table label="Segments">
        <thead>
          <tr>
            <th scope="col">{found.segment}</th>
            <th scope="col" class="number">
              rows
            </th>
            <th scope="col" class="number">
              this version
            </th>
            <th scope="col" class="number">
              {reference}
            </th>
          </tr>
        </thead>
        <tbody>
          {found.segments.slice(0, WORST).map((one) => (
            <tr key={one.segment}>
              <th scope="row">{one.segment}</th>
              <td class="number">{number(one.rows)}</td>
              <td class="number">{figure(one.challenger)}</td>
              <td class="number">{figure(one.reference)}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </>
  );
}
