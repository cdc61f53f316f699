/** The API key: kept for the tab, asked for when the service wants one. */

const STORED = "ltp.key";

type Asked = { refused: boolean; answer: (key: string | null) => void };

let listener: (asked: Asked | null) => void = () => {};
let given: () => void = () => {};
let pending: Promise<string | null> | null = null;

export function storedKey(): string | null {
  return sessionStorage.getItem(STORED);
}

export function forgetKey(): void {
  sessionStorage.removeItem(STORED);
}

/** Whoever can ask a person for the key; the last one counts. */
export function onKeyWanted(ask: (asked: Asked | null) => void): void {
  listener = ask;
}

/** Whoever wants to know that another key is used from now on. */
export function onKeyGiven(told: () => void): void {
  given = told;
}

/** Ask for a key, another where one was `refused`; requests that are refused meanwhile wait for the same answer. Null
 * when the person gave none. */
export function wantKey(refused: boolean): Promise<string | null> {
  pending ??= new Promise<string | null>((resolve) => {
    listener({
      refused,
      answer: (key) => {
        if (key) sessionStorage.setItem(STORED, key);
        pending = null;
        listener(null);
        resolve(key);
        if (key) given();
      },
    });
  });
  return pending;
}

export type { Asked };
