/** What to label next, in one chunk. */
export { Next } from "./next";
