/** How the console is built: into the Python package, with names that carry a hash, and nothing inline. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { buildRecord } from "./build_record.ts";

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const OUTPUT = fileURLToPath(new URL("../app/console/static", import.meta.url));
const SERVICE = "http://127.0.0.1:8000";
const API = "^/(adapters|audit|backbone|caller|data|drifts|jobs|keys|language-deltas|languages|predict|predictions|quota|readyz|tickets|version|workers)";

export default defineConfig({
  base: "./", // where the service lies is known when it serves: the page's <base> says it
  plugins: [buildRecord(ROOT, OUTPUT)],
  build: {
    outDir: OUTPUT,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the policy allows no data: URLs
    modulePreload: { polyfill: false },
    license: { fileName: "licences.md" },
  },
  server: { proxy: { [API]: SERVICE } },
});
