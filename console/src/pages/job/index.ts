/** A job's page, in one chunk. */
export { JobPage } from "./job";
