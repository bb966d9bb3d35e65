// A definition is written as its next version; what is wrong is shown at its field.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiError, type Problem, send } from "../api";
import type { Field, Kind } from "../catalog";
import { OWN_ZONE, number, time } from "../format";
import type { Version } from "./definitions";

const DAY_MS = 86_400_000;
type Values = Readonly<Record<string, string>>;
type Result = Readonly<Record<string, unknown>>;

const text = (value: unknown) => (value === null || value === undefined ? "" : String(value));

export function Editor(props: {
  useCase: string;
  kind: Kind;
  newest?: Version;
  done: (name: string) => void;
}) {
  const { kind, newest } = props;
  const [name, setName] = useState(newest?.name ?? "");
  const [values, setValues] = useState<Values>(() => ({
    ...Object.fromEntries(kind.fields.map((f) => [f.name, text(newest?.definition[f.name])])),
    mode: newest?.mode ?? text(kind.modes[0]),
  }));
  const [error, setError] = useState<Error>();
  const [trial, setTrial] = useState<Result>();
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const wrong = error instanceof ApiError ? fieldOf(error.problem) : "";
  // A kind with one mode leaves nothing to choose.
  const mode = kind.modes.length > 1 ? { ...MODE, choices: kind.modes } : undefined;
  const shown = [...(newest ? [] : [NAME]), ...kind.fields, ...(mode ? [mode] : []), VALID_FROM];
  const known = shown.some((field) => field.name === wrong);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [error]);
  const path = `definitions/${props.useCase}/${kind.name}/${encodeURIComponent(name)}`;
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    setTrial(undefined);
    try {
      if (!name) throw new ApiError(400, "A definition needs a name.", { field: "/name" });
      await work();
    } catch (failure) {
      setError(failure as Error);
    } finally {
      setBusy(false);
    }
  };
  const put = () =>
    attempt(async () => {
      await send("DefinitionsKey", "PUT", path, body(kind, values), newest?.version ?? null);
      props.done(name);
    });
  const test = () =>
    attempt(async () => {
      const now = Date.now();
      const { valid_from: _, ...definition } = body(kind, values);
      const trial = { definition, from: now - DAY_MS, to: now };
      setTrial(await send<Result>("DefinitionsKey", "POST", `${path}/test`, trial));
    });
  const set = (field: string, value: string) => setValues({ ...values, [field]: value });
  const failure = (field: string) =>
    wrong === field && error instanceof ApiError ? error : undefined;
  return (
    <form
      ref={form}
      class="editor"
      noValidate
      aria-label={newest ? `Next version of ${newest.name}` : `New ${kind.name}`}
      onSubmit={(event) => {
        event.preventDefault();
        void put();
      }}
    >
      {!newest && (
        <Input field={NAME} value={name} error={failure("name")} set={(v) => setName(v.trim())} />
      )}
      {kind.fields.map((field) => (
        <Input
          key={field.name}
          field={field}
          value={values[field.name] ?? ""}
          error={failure(field.name)}
          set={(value) => set(field.name, value)}
        />
      ))}
      {mode && (
        <Input
          field={mode}
          value={values.mode ?? ""}
          error={failure("mode")}
          set={(value) => set("mode", value)}
        />
      )}
      <Input
        field={VALID_FROM}
        value={values.valid_from ?? ""}
        error={failure("valid_from")}
        set={(value) => set("valid_from", value.trim())}
      />
      {error && !known && (
        <div class="failed" role="alert">
          <p>{error.message}</p>
        </div>
      )}
      <div class="controls">
        <button type="submit" class="main" disabled={busy}>
          Write version {(newest?.version ?? 0) + 1}
        </button>
        {kind.tested && (
          <button type="button" disabled={busy} onClick={() => void test()}>
            Test with the last day
          </button>
        )}
      </div>
      {trial && <Trial result={trial} />}
    </form>
  );
}

const NAME: Field = {
  name: "name",
  kind: "string",
  doc: "1 to 64 lower case letters, digits, hyphens and underscores, a letter first.",
  required: true,
  role: "",
  choices: [],
};
const MODE: Field = {
  name: "mode",
  kind: "string",
  doc: "live, or shadow: it decides and is recorded, and has no effect.",
  required: true,
  role: "",
  choices: [],
};
const VALID_FROM: Field = {
  name: "valid_from",
  kind: "string",
  doc: `RFC 3339, as ${new Date().getUTCFullYear()}-01-31T10:00:00Z; default: some seconds from now.`,
  required: false,
  role: "",
  choices: [],
};

function Input(props: {
  field: Field;
  value: string;
  error: ApiError | undefined;
  set: (value: string) => void;
}) {
  const { field, value, error } = props;
  const id = useId();
  const shared = {
    id,
    value,
    "aria-invalid": error ? ("true" as const) : undefined,
    "aria-describedby": `${id}-doc${error ? ` ${id}-error` : ""}`,
    "aria-required": field.required,
    spellcheck: false,
    autocomplete: "off",
    onInput: (event: { currentTarget: { value: string } }) => props.set(event.currentTarget.value),
  };
  const written = ["expression", "value", "filled"].includes(field.role);
  return (
    <div class="field wide">
      <label for={id}>{field.name.replaceAll("_", " ")}</label>
      {field.choices.length ? (
        <select {...shared}>
          {!value && <option value="">choose…</option>}
          {field.choices.map((choice) => (
            <option key={choice} value={choice} selected={choice === value}>
              {choice}
            </option>
          ))}
        </select>
      ) : written ? (
        <textarea {...shared} rows={field.role === "filled" ? 2 : 3} />
      ) : (
        <input {...shared} type="text" inputMode={field.kind === "string" ? "text" : "decimal"} />
      )}
      <span class="quiet hint" id={`${id}-doc`}>
        {field.doc}
      </span>
      {error && (
        <div class="failed" role="alert" id={`${id}-error`}>
          <p>{error.message}</p>
          <Position text={value} problem={error.problem} />
        </div>
      )}
    </div>
  );
}

/** The line with the error, and a mark below its column. */
function Position(props: { text: string; problem: Problem }) {
  const { position } = props.problem;
  if (!position) return null;
  const line = props.text.split("\n")[position.line - 1] ?? props.text;
  return (
    <pre tabIndex={0} aria-label={`Line ${position.line}, column ${position.column}`}>
      {`${line}\n${" ".repeat(Math.max(0, position.column - 1))}^`}
    </pre>
  );
}

/** The name of the field that a problem is about. */
function fieldOf(problem: Problem): string {
  if (problem.parameter) return problem.parameter;
  return (problem.field ?? "").replace(/^\/definition(?=\/)/, "").split("/")[1] ?? "";
}

/** The document: numbers as numbers where they are; a field without a value is left out. */
function body(kind: Kind, values: Values): Record<string, unknown> {
  const found: Record<string, unknown> = { mode: values.mode };
  if (values.valid_from) found.valid_from = values.valid_from;
  for (const field of kind.fields) {
    const value = values[field.name] ?? "";
    if (value === "" && !field.required) continue;
    const numeric = field.kind === "integer" || field.kind === "number";
    const parsed = Number(value);
    found[field.name] = numeric && value.trim() && !Number.isNaN(parsed) ? parsed : value;
  }
  return found;
}

function Trial(props: { result: Result }) {
  const figures = Object.entries(props.result).filter(([, v]) => typeof v === "number");
  const notes = Array.isArray(props.result.notes) ? props.result.notes.map(String) : [];
  return (
    <div role="status">
      <p>
        Of the business events since {time(new Date(Date.now() - DAY_MS).toISOString(), OWN_ZONE)}:
      </p>
      <dl class="figures">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name.replaceAll("_", " ")}</dt>
            <dd>{number(value)}</dd>
          </div>
        ))}
      </dl>
      {notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
    </div>
  );
}
