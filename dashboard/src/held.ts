// A live list that stands still: new rows wait until the reader wants them.
import { useEffect, useState } from "preact/hooks";

export interface Rows<T> {
  readonly rows: readonly T[];
  readonly next: string | null;
}

export interface Held<T> {
  readonly shown: readonly T[];
  /** How many have come since. */
  readonly fresh: number;
  readonly showFresh: () => void;
  /** Whether there are older ones than shown. */
  readonly hasOlder: boolean;
  readonly error: Error | undefined;
  readonly showOlder: () => void;
}

/**
 * `page` is the newest page, again and again; `time` is what rows are ordered by, the newest first.
 * Older rows are read up to the end of the last row's millisecond, because several may be of one.
 */
export function useHeld<T extends { readonly id: string }>(
  page: Rows<T> | undefined,
  time: (row: T) => string,
  read: (to: number) => Promise<Rows<T>>,
): Held<T> {
  const [shown, setShown] = useState<readonly T[]>();
  const [more, setMore] = useState<{ next: string | null; error?: Error }>({ next: null });
  useEffect(() => {
    if (page && !shown) {
      setShown(page.rows);
      setMore({ next: page.next });
    }
  }, [page]);
  const rows = shown ?? page?.rows ?? [];
  const known = new Set(rows.map((row) => row.id));
  const current = new Map((page?.rows ?? []).map((row) => [row.id, row]));
  const fresh = shown ? (page?.rows ?? []).filter((row) => !known.has(row.id)) : [];
  const showOlder = async () => {
    const last = rows.at(-1);
    if (!last) return;
    try {
      const older = await read(Date.parse(time(last)) + 1);
      setShown([...rows, ...older.rows.filter((row) => !known.has(row.id))]);
      setMore({ next: older.next });
    } catch (error) {
      setMore({ next: more.next, error: error as Error });
    }
  };
  return {
    shown: rows.map((row) => current.get(row.id) ?? row),
    fresh: fresh.length,
    showFresh: () => setShown([...fresh, ...rows]),
    hasOlder: more.next !== null,
    error: more.error,
    showOlder: () => void showOlder(),
  };
}
