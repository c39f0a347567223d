/** The JSON door: requests, streams of rows, and how the page signs in. */

export class ApiError extends Error {
  constructor(readonly status: number, readonly reason: string, readonly hint: string) {
    super(reason);
  }
}

/** The server cannot be reached. */
export class LostError extends Error {}

export type SignIn = "password" | "token" | "tls";
export interface Account {
  user: string | null;
  sign_in?: SignIn;
  /** Whether the server accepts Kerberos tickets, too. */
  has_kerberos?: boolean;
}

const CSRF_KEY = "logonscope-csrf";
/** The token of `logonscope page`: in memory only. */
let bearer: string | null = null;
let csrfToken = readStored(CSRF_KEY) ?? "";
let onSignedOut = (): void => undefined;

export function whenSignedOut(handler: () => void): void {
  onSignedOut = handler;
}

export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function store(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // A browser without storage signs in again.
  }
}

interface Options {
  signal?: AbortSignal;
  /** As of a past moment, in milliseconds. */
  at?: number | null;
  /** The cursor of the last event that arrived. */
  since?: string | null;
  /** Milliseconds to wait for the beginning of the answer. */
  patience?: number;
}

/** A server that hangs is as good as lost. */
const PATIENCE_MS = 60_000;

async function post(path: string, body: unknown, { signal, at = null, since = null, patience = PATIENCE_MS }: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (bearer !== null) headers["Authorization"] = `Bearer ${bearer}`;
  else headers["Logonscope-CSRF"] = csrfToken;
  if (at !== null) headers["Logonscope-At"] = new Date(at).toISOString();
  if (since !== null) headers["Last-Event-ID"] = since;
  const waiting = new AbortController(), timer = setTimeout(() => waiting.abort(), patience);
  try {
    return await fetch(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers,
      // With the token no cookie is sent, and no password of the browser either.
      credentials: bearer !== null ? "omit" : "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: signal ? AbortSignal.any([signal, waiting.signal]) : waiting.signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new LostError();
  } finally {
    clearTimeout(timer);
  }
}

interface WireError {
  error: { message: string; hint?: string };
}

async function check(response: Response): Promise<Response> {
  if (response.ok) return response;
  let error: WireError["error"] = { message: `the server answered with status ${response.status}` };
  try {
    error = ((await response.json()) as WireError).error ?? error;
  } catch {
    // A proxy in between has errors of its own.
  }
  if (response.status === 401) onSignedOut();
  throw new ApiError(response.status, error.message, error.hint ?? "");
}

/** Integers have 64 bits; those that a number of JavaScript cannot hold stay as they were written. */
function keepDigits(this: unknown, _name: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" && !Number.isSafeInteger(value) && Number.isInteger(value) && context?.source
    ? context.source
    : value;
}

const parse = JSON.parse as (text: string, reviver?: unknown) => unknown;

export async function ask<T>(operation: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const response = await check(await post(`/v1/${operation}`, body, signal ? { signal } : {}));
  return parse(await readText(response), keepDigits) as T;
}

async function readText(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch {
    throw new LostError();
  }
}

const SLICE = 4;
/** Let the browser draw: the work goes on in a task of its own. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Work in slices of a few milliseconds, so that no frame waits for it. */
export class Slices {
  private end = performance.now() + SLICE;
  async next(): Promise<void> {
    if (performance.now() < this.end) return;
    await pause();
    this.end = performance.now() + SLICE;
  }
  get isOver(): boolean {
    return performance.now() >= this.end;
  }
}

/** Ask for rows; each is passed on as it arrives. `at`: as of a past moment, in milliseconds. */
export async function askRows<T>(
  operation: string,
  body: unknown,
  row: (row: T) => void,
  options: Options & { exact?: boolean } = {},
): Promise<void> {
  const parts = new Parts(await check(await post(`/v1/${operation}`, body, options)), options.signal);
  const slices = new Slices();
  let rest = "";
  for (;;) {
    const part = await parts.next();
    rest += part ?? "";
    let start = 0;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", start)) {
      const value = parse(rest.slice(start, end), options.exact ? keepDigits : undefined) as T & Partial<WireError>;
      start = end + 1;
      if (value.error && typeof value.error === "object") throw new ApiError(200, value.error.message, value.error.hint ?? "");
      row(value);
      if (slices.isOver) await slices.next();
    }
    rest = rest.slice(start);
    if (part === null) return;
  }
}

/** The parts of an answer, as they arrive. */
class Parts {
  private readonly reader: ReadableStreamDefaultReader<string>;

  constructor(response: Response, private readonly signal: AbortSignal | undefined) {
    this.reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Return the next part; null: it was the last one. */
  async next(): Promise<string | null> {
    try {
      const part = await this.reader.read();
      return part.done ? null : part.value;
    } catch (error) {
      if (this.signal?.aborted) throw error;
      throw new LostError();
    }
  }
}

/** The server begins to answer at once, before there is an event. */
const OPENING_MS = 15_000;

/** Open a stream of server-sent events. Return a function that waits for the next ones, of which there may be none. */
export async function openEvents<T>(body: unknown, since: string | null, signal: AbortSignal): Promise<() => Promise<T[]>> {
  // EventSource can send neither a token nor the header against forged requests.
  const parts = new Parts(await check(await post("/v1/watch", body, { signal, since, patience: OPENING_MS })), signal);
  let rest = "";
  return async () => {
    const part = await parts.next();
    if (part === null) throw new LostError();
    const blocks = (rest + part).split("\n\n");
    rest = blocks.pop()!;
    return blocks.flatMap((block) => readEvent<T>(block));
  };
}

/** Return the event of a block; a comment has none. */
function readEvent<T>(block: string): T[] {
  const line = (name: string) => block.split("\n").find((one) => one.startsWith(`${name}: `))?.slice(name.length + 2);
  const data = line("data");
  if (data === undefined) return [];
  const value = parse(data) as T & Partial<WireError>;
  if (line("event") === "error") throw new ApiError(200, value.error?.message ?? "the server has ended the stream", value.error?.hint ?? "");
  return [value];
}

export async function allRows<T>(operation: string, body: unknown, exact = false, signal?: AbortSignal): Promise<T[]> {
  const rows: T[] = [];
  await askRows<T>(operation, body, (row) => rows.push(row), signal ? { exact, signal } : { exact });
  return rows;
}

async function page<T>(name: string, body: unknown = {}): Promise<T> {
  return (await (await check(await post(`/page/${name}`, body))).json()) as T;
}

/** Exchange the token of the address, which works once; return the user. */
export async function exchange(token: string): Promise<Account> {
  const answer = await page<{ token: string; user: string }>("exchange", { token });
  bearer = answer.token;
  return { user: answer.user };
}

let hasKerberos = false;
/** Whether the server accepts Kerberos tickets, as it said last. */
export const acceptsTickets = (): boolean => hasKerberos;

export async function session(): Promise<Account> {
  const account = await page<Account>("session");
  hasKerberos = account.has_kerberos ?? hasKerberos;
  return account;
}

export const signIn = (user: string, password: string): Promise<Account> => begin("sign-in", { user, password });

/** Log in by the Kerberos ticket that the browser has, if its settings let it send one to this server. */
export const signInByTicket = (): Promise<Account> => begin("sign-in-by-ticket", {});

async function begin(path: string, body: unknown): Promise<Account> {
  const answer = await page<{ user: string; csrf_token: string }>(path, body);
  csrfToken = answer.csrf_token;
  store(CSRF_KEY, csrfToken);
  return { user: answer.user };
}

export async function signOut(everywhere: boolean): Promise<void> {
  await page("sign-out", { everywhere });
  csrfToken = "";
  store(CSRF_KEY, null);
}

export const hasToken = (): boolean => bearer !== null;
