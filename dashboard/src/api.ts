// Calls of the public APIs, which have the page's own origin.
import { key, type KeyName } from "./keys";

const SECONDS = 40;

/** An answer that is not a success, in words for the reader. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export class KeyMissing extends Error {
  constructor(readonly name: KeyName) {
    super(`The ${name} is needed.`);
  }
}

type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Path of the page's own folder, wherever it is served. */
export function url(path: string, query: Query = {}): string {
  const found = new URL(path, document.baseURI);
  found.hash = "";
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") {
      found.searchParams.set(name, String(value));
    }
  }
  return found.href;
}

export async function get<T>(
  name: KeyName,
  path: string,
  query: Query,
  signal: AbortSignal,
): Promise<T> {
  const value = key(name);
  if (!value) throw new KeyMissing(name);
  const limit = AbortSignal.timeout(SECONDS * 1000);
  const response = await answer(path, query, value, AbortSignal.any([signal, limit]), limit);
  if (response.ok) return (await response.json()) as T;
  throw new ApiError(response.status, await reason(response, name));
}

async function answer(
  path: string,
  query: Query,
  value: string,
  signal: AbortSignal,
  limit: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(url(path, query), {
      headers: { "x-api-key": value, accept: "application/json" },
      cache: "no-store",
      signal,
    });
  } catch (error) {
    if (limit.aborted) throw new ApiError(0, `No answer within ${SECONDS} seconds.`);
    if (signal.aborted) throw error;
    throw new ApiError(0, "The platform cannot be reached.");
  }
}

async function reason(response: Response, name: KeyName): Promise<string> {
  if (response.status === 403) return `The ${name} was refused.`;
  try {
    const problem = (await response.json()) as { detail?: string; title?: string };
    return problem.detail ?? problem.title ?? `Status ${response.status}`;
  } catch {
    return `Status ${response.status}`;
  }
}

/** Every item of a paged list, at most `most`. */
export async function all<T>(
  name: KeyName,
  path: string,
  query: Query,
  items: (page: Record<string, unknown>) => T[],
  signal: AbortSignal,
  most = 10_000,
): Promise<T[]> {
  const found: T[] = [];
  let next: string | null = null;
  do {
    const page: Record<string, unknown> = await get(name, path, { ...query, next }, signal);
    found.push(...items(page));
    next = page.next as string | null;
  } while (next && found.length < most);
  return found;
}
