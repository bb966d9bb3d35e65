// A dead letter is sent again, as it was or corrected; what is wrong is shown at the record.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { get, sendText } from "../api";
import { OWN_ZONE, pretty, time } from "../format";
import { useLoaded } from "../loading";
import { Facts, Failed, Shown } from "../parts";

interface Replay {
  readonly state: "sending" | "unknown" | "accepted" | "rejected" | null;
  readonly at: string | null;
  readonly detail: string | null;
  readonly event_id: string | null;
  readonly record: Readonly<Record<string, unknown>> | null;
  readonly sendable: boolean;
}

interface Result {
  readonly result: string;
  readonly detail: string | null;
  readonly record: Readonly<Record<string, unknown>> | null;
}

interface Event {
  readonly event_id: string;
  readonly type: string;
  readonly state: string;
  readonly detail: string;
}

const SECONDS = 1000;
// The lake has a record after a minute or two.
const SETTLED_MS = 180 * SECONDS;

const STATES = {
  sending: "being sent, or its sender has ended",
  unknown: "sent, and not answered: it may be stored",
  accepted: "accepted",
  rejected: "rejected",
} as const;

const NOT_SENT: readonly string[] = ["rejected", "unsendable", "not_found"];

/** `data` are the letter's bytes, if it has all of them. */
export function Resend(props: {
  useCase: string;
  id: string;
  failedAt: string;
  data: Uint8Array | undefined;
}) {
  const path = `dead-letters/${props.useCase}/replay`;
  const [busy, setBusy] = useState(false);
  const loaded = useLoaded<Replay>(
    `${path} ${props.id}`,
    (signal) => get("DashboardKey", path, { id: props.id }, signal),
    busy ? 5 * SECONDS : 0,
  );
  const state = loaded.data?.state;
  useEffect(() => setBusy(state === "sending"), [state]);
  return (
    <section class="resend" aria-label="Send again">
      <h3>Send again</h3>
      <Shown loaded={loaded}>
        {(replay) => (
          <>
            {replay.state && (
              <div role="status">
                <Facts
                  facts={[
                    ["sent again", `${STATES[replay.state]}, ${time(replay.at, OWN_ZONE)}`],
                    ["its event_id", replay.event_id],
                    ["why", replay.detail],
                  ]}
                />
              </div>
            )}
            {replay.state && replay.state !== "rejected" && (
              <Outcome path={path} id={props.id} replay={replay} />
            )}
            {replay.sendable && <Form {...props} path={path} replay={replay} done={loaded.reload} />}
          </>
        )}
      </Shown>
    </section>
  );
}

function Form(props: {
  path: string;
  id: string;
  failedAt: string;
  data: Uint8Array | undefined;
  replay: Replay;
  done: () => void;
}) {
  const { replay } = props;
  // Of a record without a result the same one is sent again, whatever is written here.
  const isFixed = replay.state === "unknown" || replay.state === "sending";
  const [original] = useState(() => written(props.data, replay));
  const [record, setRecord] = useState(original);
  const [trial, setTrial] = useState<Result>();
  const [wrong, setWrong] = useState("");
  const [failure, setFailure] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  useEffect(() => {
    if (wrong) area.current?.focus();
  }, [wrong]);
  const post = async (dryRun: boolean) => {
    setWrong("");
    setTrial(undefined);
    setFailure(undefined);
    const isEdited = !isFixed && (record !== original || replay.state === "rejected");
    const problem = isEdited ? flaw(record) : "";
    if (problem) return setWrong(problem);
    setBusy(true);
    try {
      const [result] = await posted(props, dryRun, isEdited ? record : undefined);
      if (!result) throw new Error("The platform has not sent it: send it again.");
      if (NOT_SENT.includes(result.result)) setWrong(result.detail ?? result.result);
      else if (dryRun) setTrial(result);
      if (!dryRun) props.done();
    } catch (error) {
      setFailure(error as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="editor"
      noValidate
      aria-label="The record to send"
      onSubmit={(event) => {
        event.preventDefault();
        void post(false);
      }}
    >
      <div class="field">
        <label for={id}>record</label>
        <textarea
          id={id}
          ref={area}
          rows={8}
          value={record}
          readOnly={isFixed}
          spellcheck={false}
          aria-invalid={wrong ? "true" : undefined}
          aria-describedby={`${id}-doc${wrong ? ` ${id}-error` : ""}`}
          onInput={(event) => setRecord(event.currentTarget.value)}
        />
        <span class="quiet hint" id={`${id}-doc`}>
          {isFixed
            ? "Its result is not known, so this record is sent again, unchanged: it counts once."
            : "With the event_id and event time of the letter it counts once, if it counts."}
        </span>
        {wrong && (
          <div class="failed" role="alert" id={`${id}-error`}>
            <p>{wrong}</p>
          </div>
        )}
      </div>
      {failure && <Failed error={failure} again={() => void post(false)} />}
      <div class="controls">
        <button type="submit" class="main" disabled={busy}>
          Send again
        </button>
        <button type="button" disabled={busy} onClick={() => void post(true)}>
          Dry run
        </button>
      </div>
      <div role="status">{trial && <Trial trial={trial} />}</div>
    </form>
  );
}

function Trial(props: { trial: Result }) {
  const { trial } = props;
  if (trial.result !== "ready") return <p>{trial.detail ?? trial.result}</p>;
  return (
    <>
      <p>This would be sent{trial.detail ? `: ${trial.detail}` : "."}</p>
      <pre tabIndex={0} aria-label="The record that would be sent">
        {JSON.stringify(trial.record, null, 2)}
      </pre>
    </>
  );
}

/** Where the record is; the lake is read again until that is known. */
function Outcome(props: { path: string; id: string; replay: Replay }) {
  const [every, setEvery] = useState(15 * SECONDS);
  const loaded = useLoaded<readonly Event[]>(
    `${props.path} outcome ${props.id} ${props.replay.at}`,
    async (signal) => {
      const query = { id: props.id };
      const path = `${props.path}/outcome`;
      return (await get<{ events: Event[] }>("DashboardKey", path, query, signal)).events;
    },
    every,
  );
  useEffect(() => {
    const events = loaded.data ?? [];
    const isOpen = events.length === 0 || events.some((e) => e.state === "waiting");
    const isNew = Date.now() - Date.parse(props.replay.at ?? "") < SETTLED_MS;
    setEvery(isOpen || isNew ? 15 * SECONDS : 0);
  }, [loaded.data]);
  return (
    <Shown
      loaded={loaded}
      empty={(events) =>
        events.length ? undefined : "Its record is not in the lake yet: that takes a minute or two."
      }
    >
      {(events) => (
        <div role="status">
          <Facts facts={events.map((e) => [`became (${e.type})`, `${e.state}: ${e.detail}`])} />
        </div>
      )}
    </Shown>
  );
}

/** The letter as one request has it. */
async function posted(
  letter: { path: string; id: string; failedAt: string },
  dryRun: boolean,
  record: string | undefined,
): Promise<readonly Result[]> {
  const id = JSON.stringify(letter.id);
  // The text as it is: numbers keep all of their digits.
  const chosen = record === undefined ? `{"id":${id}}` : `{"id":${id},"record":${record}}`;
  const from = JSON.stringify(letter.failedAt);
  const body = `{"dry_run":${dryRun},"from":${from},"letters":[${chosen}]}`;
  const path = letter.path;
  return (await sendText<{ letters: Result[] }>("DashboardKey", "POST", path, body)).letters;
}

/** What is edited first: what was rejected, else what the sender sent. */
function written(data: Uint8Array | undefined, replay: Replay): string {
  if (replay.record) return JSON.stringify(replay.record, null, 2);
  const readable = data && new TextDecoder().decode(data);
  return readable ? pretty(readable, ["received_at", "receipt"]) : "{}";
}

/** Why a text is no record; empty if it is one. */
function flaw(record: string): string {
  try {
    const value: unknown = JSON.parse(record);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? "" : "The record must be a JSON object.";
  } catch (error) {
    return `The record is not JSON: ${(error as Error).message}`;
  }
}
