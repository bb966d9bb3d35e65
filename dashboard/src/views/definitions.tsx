// Definitions: what people change while a job runs, each with every version that it had.
import { all } from "../api";
import { type Catalog, chosen } from "../catalog";
import { OWN_ZONE, time } from "../format";
import { useLoaded } from "../loading";
import { Select, Shown, Table } from "../parts";
import { type Parameters, address, change } from "../state";

interface Version {
  readonly kind: string;
  readonly name: string;
  readonly version: number;
  readonly valid_from: string;
  readonly mode: string;
  readonly ended: boolean;
  readonly written_at?: string;
  readonly definition: Readonly<Record<string, unknown>>;
}

export function Definitions(props: { catalog: Catalog; parameters: Parameters; keys: string }) {
  const { parameters } = props;
  const having = props.catalog.use_cases.filter((u) => u.definitions.length > 0);
  const useCase = chosen(props.catalog, parameters, (u) => u.definitions.length > 0);
  if (!useCase) {
    return (
      <section>
        <h1>Definitions</h1>
        <p class="note">No deployed use case has definitions.</p>
      </section>
    );
  }
  const kinds = [["", "all"] as const, ...useCase.definitions];
  return (
    <section>
      <h1>Definitions</h1>
      <p class="quiet">What is changed while the job runs, valid from an instant of event time.</p>
      <div class="controls">
        <Select
          label="Use case"
          name="use_case"
          value={useCase.name}
          choices={having.map((u) => u.name)}
          also={{ kind: "", of: "", name: "" }}
        />
        <Select label="Kind" name="kind" value={parameters.kind ?? ""} choices={kinds} />
      </div>
      <List useCase={useCase.name} parameters={parameters} keys={props.keys} />
      {parameters.of && parameters.name && (
        <History
          useCase={useCase.name}
          kind={parameters.of}
          name={parameters.name}
          keys={props.keys}
        />
      )}
    </section>
  );
}

function List(props: { useCase: string; parameters: Parameters; keys: string }) {
  const { parameters, useCase } = props;
  const path = ["definitions", useCase, parameters.kind].filter(Boolean).join("/");
  const loaded = useLoaded<readonly Version[]>(`${path} ${props.keys}`, (signal) =>
    all("DefinitionsKey", path, {}, (page) => page.definitions as Version[], signal),
  );
  return (
    <Shown
      loaded={loaded}
      empty={(found) => (found.length ? undefined : "Nothing is defined yet.")}
    >
      {(found) => (
        <Table label="Definitions">
          <thead>
            <tr>
              <th scope="col">name</th>
              <th scope="col">kind</th>
              <th scope="col" class="number">
                version
              </th>
              <th scope="col">mode</th>
              <th scope="col">valid from ({OWN_ZONE})</th>
            </tr>
          </thead>
          <tbody>
            {found.map((one) => {
              const is = parameters.of === one.kind && parameters.name === one.name;
              const to = { ...parameters, use_case: useCase, of: one.kind, name: one.name };
              return (
                <tr key={`${one.kind}/${one.name}`} class={is ? "chosen" : ""}>
                  <th scope="row">
                    <a
                      href={address({ view: "definitions", parameters: to })}
                      aria-current={is ? "true" : undefined}
                    >
                      {one.name}
                    </a>
                  </th>
                  <td>{one.kind}</td>
                  <td class="number">{one.version}</td>
                  <td>{one.mode}</td>
                  <td>{time(one.valid_from, OWN_ZONE)}</td>
                </tr>
              );
            })}
          </tbody>
        </Table>
      )}
    </Shown>
  );
}

function History(props: { useCase: string; kind: string; name: string; keys: string }) {
  const path = `definitions/${props.useCase}/${props.kind}/${encodeURIComponent(props.name)}`;
  const loaded = useLoaded<readonly Version[]>(`${path} ${props.keys}`, (signal) =>
    all(
      "DefinitionsKey",
      path,
      { history: true },
      (page) => page.versions as Version[],
      signal,
    ),
  );
  return (
    <>
      <h2>
        {props.kind} {props.name}{" "}
        <button type="button" class="close" onClick={() => change({ of: "", name: "" }, false)}>
          Close
        </button>
      </h2>
      <Shown loaded={loaded}>
        {(versions) => (
          <ul class="rows">
            {versions.map((version, n) => (
              <li key={version.version}>
                <details open={n === 0}>
                  <summary>
                    <span>version {version.version}</span>
                    <time dateTime={version.valid_from}>
                      from {time(version.valid_from, OWN_ZONE)}
                    </time>
                    <span>{version.ended ? "ended" : version.mode}</span>
                  </summary>
                  <pre tabIndex={0} aria-label={`Version ${version.version}`}>
                    {JSON.stringify(version.definition, null, 2)}
                  </pre>
                </details>
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </>
  );
}
