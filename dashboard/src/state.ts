// Where a reader is: the view and its parameters, all in the address. Keys are never there.
import { useEffect, useMemo, useState } from "preact/hooks";

export type Parameters = Readonly<Record<string, string>>;

export interface Place {
  readonly view: string;
  readonly parameters: Parameters;
}

export function parse(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { view: path || "overview", parameters: Object.fromEntries(new URLSearchParams(query)) };
}

export function address(place: Place): string {
  const entries = Object.entries(place.parameters).filter(([, value]) => value !== "");
  const query = new URLSearchParams(entries).toString();
  return `#/${place.view}${query ? `?${query}` : ""}`;
}

/** Moves on; `replace` changes the current entry of the history instead of adding one. */
export function go(place: Place, replace = false): void {
  const to = address(place);
  if (to === location.hash) return;
  if (replace) {
    history.replaceState(null, "", to);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = to;
  }
}

export function usePlace(): Place {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const read = () => setHash(location.hash);
    window.addEventListener("hashchange", read);
    read(); // effects run after the first picture: it may have changed since
    return () => window.removeEventListener("hashchange", read);
  }, []);
  return useMemo(() => parse(hash), [hash]);
}

/** Changes some parameters of the current view; an empty value removes one. */
export function change(changed: Parameters, replace = true): void {
  const { view, parameters } = parse(location.hash);
  go({ view, parameters: { ...parameters, ...changed } }, replace);
}
