/** The public API over `fetch`, as any other client uses it: keys, errors in the API's own words, no retries of its own. */
import { apiUrl } from "../place";
import { t } from "../i18n";
import { faultWords } from "./refusal_words";
import { forgetKey, storedKey, wantKey } from "./key";
import type { ErrorBody, FieldFault } from "./types";

/** What the API refused, or why there is no answer of its (`status` 0): it is not reached, or a file cannot be read. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly fields: FieldFault[] = [],
    readonly requestId: string | null = null,
  ) {
    super(detail);
  }

  /** The faults of the field of this path, and of those inside it. */
  within(path: string): FieldFault[] {
    return this.fields.filter((each) => each.path === path || each.path.startsWith(`${path}.`));
  }

  /** What is wrong with it, in the reader's words. */
  at(path: string): string | null {
    const words = new Set(this.within(path).map((each) => faultWords(each) ?? t("fault.unnamed")));
    return words.size ? [...words].join(" ") : null;
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface Options {
  query?: Query;
  json?: unknown;
  /** Parts of a multipart body; objects travel as JSON. */
  form?: Record<string, File | object>;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** Send a request and return the answer's JSON, or undefined for one without a body. */
export async function call<T>(method: Method, path: string, options: Options = {}): Promise<T> {
  const response = await send(method, path, options);
  return (response.status === 204 ? undefined : await whole(response.json())) as T;
}

export function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return call<T>("GET", path, signal ? { query, signal } : { query });
}

/** Send a request and return the answer as it is; a refusal is thrown. Asks once for a key where one is wanted. */
export async function send(method: Method, path: string, options: Options = {}): Promise<Response> {
  for (;;) {
    const key = storedKey();
    const response = await attempt(method, path, options, key);
    if (response.ok) return response;
    const refused = await refusal(response);
    if (refused.status !== 401 || (await anotherKey(key)) === null) throw refused;
  }
}

async function anotherKey(used: string | null): Promise<string | null> {
  const now = storedKey();
  if (now !== used) return now; // somebody else has asked meanwhile
  forgetKey();
  return wantKey(used !== null);
}

/** The tokens of requests that got no answer. They may have started work: sent again, they must not start it twice. */
const unanswered = new Map<string, string>();

async function attempt(method: Method, path: string, options: Options, key: string | null): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  if (key) headers["Authorization"] = `Bearer ${key}`;
  const same = method === "POST" ? sameness(path, options) : null;
  const token = same === null ? null : (unanswered.get(same) ?? newToken());
  if (token) headers["Idempotency-Key"] = token;
  const init: RequestInit = { method, headers, cache: "no-store", credentials: "omit", redirect: "error" };
  if (options.signal) init.signal = options.signal;
  if (options.json !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(options.json);
  } else if (options.form) init.body = formOf(options.form);
  try {
    const response = await fetch(apiUrl(path) + search(options.query), init);
    if (same !== null && response.status < 500) unanswered.delete(same);
    return response;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (await unreadable(options.form)) throw new ApiError(0, "unreadable", "");
    if (same !== null && token) unanswered.set(same, token);
    throw new ApiError(0, "unreachable", "");
  }
}

/** What two requests have in common that ask for the same: their path, their words, the files as far as one can tell. */
function sameness(path: string, { json, form }: Options): string {
  const parts = Object.entries(form ?? {}).map(([name, value]) => [name, value instanceof File ? [value.name, value.size, value.lastModified] : value]);
  return JSON.stringify([path, json, parts]);
}

/** Whether a file cannot be read any more: browsers refuse one that was changed, moved or deleted after it was chosen. */
async function unreadable(form: Options["form"] = {}): Promise<boolean> {
  const files = Object.values(form).filter((value): value is File => value instanceof File);
  const read = await Promise.allSettled(files.map((file) => file.slice(0, 1).arrayBuffer()));
  return read.some((each) => each.status === "rejected");
}

/** An answer's body; where it breaks off, the service is as good as not there. */
async function whole<T>(body: Promise<T>): Promise<T> {
  try {
    return await body;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "");
  }
}

function search(query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}

function formOf(parts: Record<string, File | object>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(parts)) {
    if (value instanceof File) form.append(name, value, value.name);
    else form.append(name, JSON.stringify(value));
  }
  return form;
}

async function refusal(response: Response): Promise<ApiError> {
  const id = response.headers.get("X-Request-ID");
  try {
    const body = (await response.json()) as ErrorBody;
    return new ApiError(response.status, body.error, body.detail, body.fields ?? [], body.request_id ?? id);
  } catch {
    return new ApiError(response.status, "no_json", response.statusText, [], id);
  }
}

/** A token that nobody else makes; `crypto.randomUUID` is there only on https and localhost. */
function newToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** All items of a list, page after page, up to `most`. */
export async function everyItem<T>(path: string, query: Query = {}, most = 1000): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: T[]; next_cursor: string | null } = await get(path, { limit: 200, ...query, cursor });
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && found.length < most);
  return found;
}

/** Fetch a file with the key, and have the browser save it. */
export async function download(path: string, name: string, query: Query = {}): Promise<void> {
  const response = await send("GET", path, { query, headers: { Accept: "*/*" } });
  save(await whole(response.blob()), nameIn(response.headers.get("Content-Disposition")) ?? name);
}

export function save(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function nameIn(disposition: string | null): string | null {
  const found = /filename\*=UTF-8''([^;]+)/.exec(disposition ?? "");
  return found?.[1] ? decodeURIComponent(found[1]) : null;
}
