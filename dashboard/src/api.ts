// Calls of the public APIs, which have the page's own origin.
import { key, type KeyName } from "./keys";

const SECONDS = 40;

/** A problem document; `field` and `position` say where in what was sent. */
export interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly field?: string;
  readonly parameter?: string;
  readonly position?: { readonly offset: number; readonly line: number; readonly column: number };
  readonly earliest?: string;
}

/** An answer that is not a success, in words for the reader. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly problem: Problem = {},
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
  return (await call(name, path, query, { signal })) as T;
}

/** A request with a body; `match` is the version that is changed, null if there is none yet. */
export async function send<T>(
  name: KeyName,
  method: "PUT" | "POST",
  path: string,
  body: unknown,
  match?: number | null,
): Promise<T> {
  const headers: Record<string, string> = {};
  if (match === null) headers["if-none-match"] = "*";
  else if (match !== undefined) headers["if-match"] = `"${match}"`;
  return await sendText<T>(name, method, path, JSON.stringify(body), headers);
}

/** The same with JSON that is written already. */
export async function sendText<T>(
  name: KeyName,
  method: "PUT" | "POST",
  path: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const own = { ...headers, "content-type": "application/json" };
  return (await call(name, path, {}, { method, body }, own)) as T;
}

async function call(
  name: KeyName,
  path: string,
  query: Query,
  init: RequestInit,
  own: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const value = key(name);
  if (!value) throw new KeyMissing(name);
  const limit = AbortSignal.timeout(SECONDS * 1000);
  const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
  const headers = { ...own, "x-api-key": value, accept: "application/json" };
  const response = await answer(path, query, { ...init, headers, signal }, limit);
  if (response.ok) return await response.json();
  throw await failure(response, name);
}

async function answer(
  path: string,
  query: Query,
  init: RequestInit,
  limit: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(url(path, query), { ...init, cache: "no-store" });
  } catch (error) {
    if (limit.aborted) throw new ApiError(0, `No answer within ${SECONDS} seconds.`);
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, "The platform cannot be reached.");
  }
}

async function failure(response: Response, name: KeyName): Promise<ApiError> {
  const { status } = response;
  if (status === 403) return new ApiError(status, `The ${name} was refused.`);
  try {
    const problem = (await response.json()) as Problem;
    const message = problem.detail ?? problem.title ?? `Status ${status}`;
    return new ApiError(status, message, problem);
  } catch {
    return new ApiError(status, `Status ${status}`);
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
