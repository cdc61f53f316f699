/**
 * What a build was made from and what it made, as hashes: `build.json` beside the built files.
 *
 * A test computes the same over the sources and the built files, and so notices either that was changed without the
 * other, on machines without Node too. `tests/support/console_build.py` is its other half.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { Plugin } from "vite";

/** Sources that a build depends on; types alone change nothing of it. */
const SOURCES = ["index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "build_record.ts", "public", "src"];
const TYPES_ALONE = new Set(["src/api/schema.d.ts"]);
const RECORD = "build.json";

function filesBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesBelow(join(path, name)));
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function hashes(root: string, paths: string[]): Record<string, string> {
  const named = paths.map((path) => [relative(root, path).split(sep).join("/"), path] as const);
  const sorted = named.filter(([name]) => !TYPES_ALONE.has(name) && name !== RECORD).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, path]) => [name, hashOf(path)]));
}

/** Write the record when everything else is written. */
export function buildRecord(root: string, output: string): Plugin {
  return {
    name: "build-record",
    closeBundle() {
      const sources = hashes(root, SOURCES.flatMap((name) => filesBelow(join(root, name))));
      const combined = createHash("sha256").update(JSON.stringify(sources)).digest("hex");
      const record = { sources: combined, files: hashes(output, filesBelow(output)) };
      writeFileSync(join(output, RECORD), `${JSON.stringify(record, null, 1)}\n`);
    },
  };
}
