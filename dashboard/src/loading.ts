// What is loaded for a view: it may be slow, fail, or be loaded again.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

const SLOW_MS = 3000;

export interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: Error | undefined;
  readonly loading: boolean;
  /** It has been loading for some seconds. */
  readonly slow: boolean;
  readonly reload: () => void;
}

/**
 * Loads when `question` changes and, with `every` > 0, again that many milliseconds after it began;
 * after an answer that took longer, there is a pause of a fifth of them.
 * Earlier data stays until new data is there, but not that of another question.
 */
export function useLoaded<T>(
  question: string,
  load: (signal: AbortSignal, before: T | undefined) => Promise<T>,
  every = 0,
): Loaded<T> {
  const [state, setState] = useState<{ question: string; data?: T; error?: Error }>({ question });
  const [loading, setLoading] = useState(true);
  const [slow, setSlow] = useState(false);
  const [round, setRound] = useState(0);
  const current = useRef<{ question: string; data?: T }>({ question });
  useEffect(() => {
    const ended = new AbortController();
    let again = 0;
    const patience = window.setTimeout(() => setSlow(true), SLOW_MS);
    const before = current.current.question === question ? current.current.data : undefined;
    const began = performance.now();
    setLoading(true);
    load(ended.signal, before)
      .then((data) => {
        current.current = { question, data };
        setState({ question, data });
      })
      .catch((error: Error) => {
        if (!ended.signal.aborted) setState({ question, data: before, error });
      })
      .finally(() => {
        window.clearTimeout(patience);
        if (ended.signal.aborted) return;
        setSlow(false);
        setLoading(false);
        if (every > 0) {
          const pause = Math.max(every / 5, every - (performance.now() - began));
          again = window.setTimeout(() => setRound((n) => n + 1), pause);
        }
      });
    return () => {
      ended.abort();
      window.clearTimeout(patience);
      window.clearTimeout(again);
    };
  }, [question, every, round]);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  const same = state.question === question;
  return {
    data: same ? state.data : undefined,
    error: same ? state.error : undefined,
    loading: loading || !same,
    slow,
    reload,
  };
}
