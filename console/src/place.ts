/** Where the console and the API lie: the server wrote the console's place into `<base>`, the API is one level up. */

/** The path of the console with a slash at its end, e.g. `/ui/` or `/ltp/ui/`. */
export const HOME = new URL(document.baseURI).pathname;

/** The path of one of our pages, for links. */
export function pagePath(page: string): string {
  return HOME + page;
}

/** The address of a resource of the API: `apiUrl("adapters?limit=5")`. */
export function apiUrl(path: string): string {
  return new URL(`../${path}`, document.baseURI).href;
}
