/** The page that makes a classifier, in one chunk. */
export { New } from "./new";
export { Open } from "./open";
