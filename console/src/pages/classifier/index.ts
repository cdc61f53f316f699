/** A classifier's page, in one chunk. */
export { ClassifierPage } from "./classifier";
