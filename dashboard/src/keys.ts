// The keys of the APIs, typed once and kept until the tab is closed.
import { useEffect, useState } from "preact/hooks";

export const NAMES = ["ApiKey", "DashboardKey", "DefinitionsKey"] as const;
export type KeyName = (typeof NAMES)[number];

export const USES: Readonly<Record<KeyName, string>> = {
  ApiKey: "reports",
  DashboardKey: "what is deployed, metrics, series, decisions, models, ledger and dead letters",
  DefinitionsKey: "definitions",
};
const CHANGED = "sdp:keys";
const slot = (name: KeyName) => `sdp.${name}`;

export function key(name: KeyName): string {
  return sessionStorage.getItem(slot(name)) ?? "";
}

export function store(keys: Readonly<Record<KeyName, string>>): void {
  for (const name of NAMES) {
    const value = keys[name].trim();
    if (value) sessionStorage.setItem(slot(name), value);
    else sessionStorage.removeItem(slot(name));
  }
  window.dispatchEvent(new Event(CHANGED));
}

/** The keys, again whenever they are changed. */
export function useKeys(): Readonly<Record<KeyName, string>> {
  const read = () =>
    Object.fromEntries(NAMES.map((name) => [name, key(name)])) as Record<KeyName, string>;
  const [keys, setKeys] = useState(read);
  useEffect(() => {
    const changed = () => setKeys(read());
    window.addEventListener(CHANGED, changed);
    return () => window.removeEventListener(CHANGED, changed);
  }, []);
  return keys;
}
