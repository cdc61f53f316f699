/** Try it, in one chunk. */
export { Try } from "./try";
