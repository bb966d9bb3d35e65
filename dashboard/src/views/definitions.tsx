// Definitions: what people change while a job runs, each with every version that it had.
import { useState } from "preact/hooks";
import { all } from "../api";
import { type Catalog, type Kind, type UseCase, chosen } from "../catalog";
import { OWN_ZONE, time } from "../format";
import { useLoaded } from "../loading";
import { Select, Shown, Table } from "../parts";
import { type Parameters, address, change } from "../state";
import { Editor } from "./editor";

export interface Version {
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
  return <OneUseCase key={useCase.name} {...props} useCase={useCase} having={having} />;
}

function OneUseCase(props: {
  useCase: UseCase;
  having: readonly UseCase[];
  parameters: Parameters;
  keys: string;
}) {
  const { parameters, useCase, having } = props;
  const [written, setWritten] = useState(0);
  const kinds = [["", "all"] as const, ...useCase.definitions];
  const kind = useCase.kinds.find((k) => k.name === parameters.of);
  const shared = { useCase: useCase.name, keys: props.keys, written };
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
          also={{ kind: "", of: "", name: "", edit: "" }}
        />
        <Select label="Kind" name="kind" value={parameters.kind ?? ""} choices={kinds} />
        <New useCase={useCase} />
      </div>
      <List {...shared} parameters={parameters} />
      {parameters.edit === "new" && kind && (
        <Editor
          key={`new ${kind.name}`}
          useCase={useCase.name}
          kind={kind}
          done={(name) => {
            setWritten(written + 1);
            change({ name, edit: "" }, false);
          }}
        />
      )}
      {parameters.of && parameters.name && parameters.edit !== "new" && (
        <History
          key={`${parameters.of} ${parameters.name}`}
          {...shared}
          kind={parameters.of}
          name={parameters.name}
          fields={kind}
          editing={parameters.edit === "1"}
          done={() => {
            setWritten(written + 1);
            change({ edit: "" }, false);
          }}
        />
      )}
    </section>
  );
}

/** A button for each kind, because what a document has is its kind's. */
function New(props: { useCase: UseCase }) {
  return (
    <>
      {props.useCase.kinds.map((kind) => (
        <button
          type="button"
          key={kind.name}
          title={kind.doc}
          onClick={() => change({ of: kind.name, name: "", edit: "new" }, false)}
        >
          New {kind.name}
        </button>
      ))}
    </>
  );
}

interface Shared {
  readonly useCase: string;
  readonly keys: string;
  /** How many versions were written here: lists are read again. */
  readonly written: number;
}

function List(props: Shared & { parameters: Parameters }) {
  const { parameters, useCase } = props;
  const path = ["definitions", useCase, parameters.kind].filter(Boolean).join("/");
  const loaded = useLoaded<readonly Version[]>(`${path} ${props.written} ${props.keys}`, (signal) =>
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
              const to = { ...parameters, use_case: useCase, of: one.kind, name: one.name, edit: "" };
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

function History(
  props: Shared & {
    kind: string;
    name: string;
    fields: Kind | undefined;
    editing: boolean;
    done: () => void;
  },
) {
  const path = `definitions/${props.useCase}/${props.kind}/${encodeURIComponent(props.name)}`;
  const loaded = useLoaded<readonly Version[]>(`${path} ${props.written} ${props.keys}`, (signal) =>
    all(
      "DefinitionsKey",
      path,
      { history: true },
      (page) => page.versions as Version[],
      signal,
    ),
  );
  const newest = loaded.data?.[0];
  return (
    <>
      <h2>
        {props.kind} {props.name}{" "}
        <button type="button" class="close" onClick={() => change({ of: "", name: "", edit: "" }, false)}>
          Close
        </button>{" "}
        {props.fields && (
          <button
            type="button"
            class="close"
            aria-pressed={props.editing}
            onClick={() => change({ edit: props.editing ? "" : "1" }, false)}
          >
            Change
          </button>
        )}
      </h2>
      {props.editing && props.fields && newest && (
        <Editor
          key={newest.version}
          useCase={props.useCase}
          kind={props.fields}
          newest={newest}
          done={props.done}
        />
      )}
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
