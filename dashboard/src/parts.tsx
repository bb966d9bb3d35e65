// What the views share: fields, states of loading, and the controls of live lists.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { KeyMissing } from "./api";
import { number } from "./format";
import type { Held } from "./held";
import type { Loaded } from "./loading";
import { change } from "./state";

type Choice = string | readonly [value: string, label: string];

/** A value of the address if it is one of the choices; else the usual one. */
export function among(
  value: string | undefined,
  choices: readonly (readonly [value: string, label: string])[],
  usual: string,
): string {
  return choices.some(([choice]) => choice === value) ? value! : usual;
}

export function Select(props: {
  label: string;
  name: string;
  value: string;
  choices: readonly Choice[];
  also?: Readonly<Record<string, string>>;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <select
        id={id}
        value={props.value}
        onChange={(event) =>
          change({ ...props.also, [props.name]: event.currentTarget.value }, false)
        }
      >
        {props.choices.map((choice) => {
          const [value, label] = typeof choice === "string" ? [choice, choice] : choice;
          return (
            <option key={value} value={value} selected={value === props.value}>
              {label}
            </option>
          );
        })}
      </select>
    </div>
  );
}

/** A text that is taken when it is complete: at Enter, or when another field is chosen. */
export function Text(props: {
  label: string;
  name: string;
  value: string;
  choices?: readonly string[];
  placeholder?: string;
  wide?: boolean;
}) {
  const id = useId();
  return (
    <div class={props.wide ? "field wide" : "field"}>
      <label for={id}>{props.label}</label>
      <input
        id={id}
        key={props.value}
        type="text"
        defaultValue={props.value}
        placeholder={props.placeholder}
        list={props.choices ? `${id}-choices` : undefined}
        autocomplete="off"
        spellcheck={false}
        onChange={(event) => change({ [props.name]: event.currentTarget.value.trim() }, false)}
      />
      {props.choices && (
        <datalist id={`${id}-choices`}>
          {props.choices.map((choice) => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      )}
    </div>
  );
}

/** Data when it is there; else why not. `empty`: what to say when there is nothing. */
export function Shown<T>(props: {
  loaded: Loaded<T>;
  empty?: (data: T) => ComponentChildren | undefined;
  children: (data: T) => ComponentChildren;
}) {
  const { loaded } = props;
  const nothing = loaded.data !== undefined ? props.empty?.(loaded.data) : undefined;
  return (
    <>
      {loaded.error && <Failed error={loaded.error} again={loaded.reload} />}
      {loaded.data === undefined && !loaded.error && (
        <p class="note" role="status">
          {loaded.slow ? "Still loading: the platform takes longer than usual…" : "Loading…"}
        </p>
      )}
      {loaded.data !== undefined && loaded.slow && (
        <p class="note" role="status">
          The platform takes longer than usual; this is the state before.
        </p>
      )}
      {nothing ? (
        <p class="note" role="status">
          {nothing}
        </p>
      ) : (
        loaded.data !== undefined && props.children(loaded.data)
      )}
    </>
  );
}

export function Failed(props: { error: Error; again: () => void }) {
  if (props.error instanceof KeyMissing) {
    return (
      <p class="note" role="status">
        {props.error.message} <a href="#/keys">Enter the keys</a>
      </p>
    );
  }
  return (
    <div class="failed" role="alert">
      <p>{props.error.message}</p>
      <button type="button" onClick={props.again}>
        Try again
      </button>
    </div>
  );
}

const RATES = [
  ["1", "each second"],
  ["5", "every 5 s"],
  ["30", "every 30 s"],
] as const;

/** Milliseconds between updates; 0 while paused. */
export function pace(parameters: Readonly<Record<string, string>>, usual = "5"): number {
  return parameters.paused ? 0 : Number(among(parameters.rate, RATES, usual)) * 1000;
}

export function Pace(props: { parameters: Readonly<Record<string, string>>; usual?: string }) {
  const paused = Boolean(props.parameters.paused);
  return (
    <>
      <Select
        label="Update"
        name="rate"
        value={among(props.parameters.rate, RATES, props.usual ?? "5")}
        choices={RATES}
      />
      <button
        type="button"
        class="pause"
        aria-pressed={paused}
        onClick={() => change({ paused: paused ? "" : "1" })}
      >
        {paused ? "Resume" : "Pause"}
      </button>
    </>
  );
}

/** A live list: what is shown stands still, and new rows wait until they are wanted. */
export function Waiting<T extends { readonly id: string }>(props: {
  loaded: Loaded<unknown>;
  held: Held<T>;
  empty: string;
  children: (row: T) => ComponentChildren;
}) {
  const { held } = props;
  return (
    <>
      <p role="status" class="fresh">
        {held.fresh > 0 && (
          <button type="button" class="main" onClick={held.showFresh}>
            {held.fresh} new
          </button>
        )}
      </p>
      <Shown
        loaded={props.loaded}
        empty={() => (held.shown.length || held.fresh ? undefined : props.empty)}
      >
        {() => (
          <ul class="rows">
            {held.shown.map((row) => (
              <li key={row.id}>{props.children(row)}</li>
            ))}
          </ul>
        )}
      </Shown>
      {held.error && <Failed error={held.error} again={held.showOlder} />}
      {held.hasOlder && (
        <button type="button" onClick={held.showOlder}>
          Older
        </button>
      )}
    </>
  );
}

/** How many keys a list to choose from has; the field above it takes every one. */
export const CHOICES = 60;

export function More(props: { number: number }) {
  if (props.number <= 0) return null;
  return <p class="note">… and {number(props.number)} more: enter one above.</p>;
}

/** Names with their values; without those that have none. */
export function Facts(props: {
  facts: readonly (readonly [name: string, value: string | null])[];
}) {
  return (
    <dl>
      {props.facts.map(([name, value]) =>
        value ? (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}

/** A table that scrolls by itself on a narrow screen, also with the keyboard. */
export function Table(props: { label: string; children: ComponentChildren }) {
  return (
    <div class="scroll" role="region" aria-label={props.label} tabIndex={0}>
      <table>{props.children}</table>
    </div>
  );
}
