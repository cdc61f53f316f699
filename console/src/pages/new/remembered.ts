/** What the newest training was asked for with, as long as the page is open: it can be asked for again, changed. */
import type { Corrections } from "./as_request";
import type { Chosen } from "./chosen";

export interface Remembered {
  job: string;
  file: File;
  corrections: Corrections;
  chosen: Chosen;
}

let newest: Remembered | null = null;

export function remember(asked: Remembered): void {
  newest = asked;
}

/** What the training of a job was asked for with, if it is the newest of this page. */
export function rememberedOf(job: string | undefined): Remembered | null {
  return newest?.job === job ? newest : null;
}
