/** Judging files, in one chunk. */
export { Judge } from "./judge";
export { JudgedFile } from "./judged_file";
