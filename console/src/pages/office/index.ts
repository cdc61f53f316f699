/** What those who run the service look at, in one chunk. */
export { Audit } from "./audit";
export { Jobs } from "./jobs";
export { Keys } from "./keys";
export { Workers } from "./workers";
