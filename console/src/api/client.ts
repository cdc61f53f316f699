/** The public API over `fetch`, as any other client uses it: keys, errors in the API's own words, no retries of its own. */
import { apiUrl } from "../place";
import { forgetKey, storedKey, wantKey } from "./key";
import type { ErrorBody, FieldFault } from "./types";

/** What the API refused, or that it could not be reached (`status` 0). */
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

  /** What is wrong with the field of this path, or with one inside it. */
  at(path: string): string | null {
    const found = this.fields.filter((each) => each.path === path || each.path.startsWith(`${path}.`));
    return found.length ? found.map((each) => each.message).join("; ") : null;
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
  return (response.status === 204 ? undefined : await response.json()) as T;
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
    if (refused.status !== 401 || (await anotherKey(key, refused)) === null) throw refused;
  }
}

async function anotherKey(used: string | null, refused: ApiError): Promise<string | null> {
  const now = storedKey();
  if (now !== used) return now; // somebody else has asked meanwhile
  forgetKey();
  return wantKey(used === null ? null : refused.message);
}

async function attempt(method: Method, path: string, options: Options, key: string | null): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  if (key) headers["Authorization"] = `Bearer ${key}`;
  if (method === "POST") headers["Idempotency-Key"] ??= newToken();
  const init: RequestInit = { method, headers, cache: "no-store", credentials: "omit", redirect: "error" };
  if (options.signal) init.signal = options.signal;
  if (options.json !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(options.json);
  } else if (options.form) init.body = formOf(options.form);
  try {
    return await fetch(apiUrl(path) + search(options.query), init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
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
  save(await response.blob(), nameIn(response.headers.get("Content-Disposition")) ?? name);
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
