// Node 18 does not read TypeScript: the tests are turned into JavaScript first, and then run by Node's own test runner.

import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, "node_modules", ".tests");
const names = readdirSync(join(root, "test")).filter((name) => name.endsWith(".test.ts"));

rmSync(out, { recursive: true, force: true });
await build({
  entryPoints: names.map((name) => join(root, "test", name)), outdir: out, bundle: true, platform: "node", format: "esm", packages: "external", outExtension: { ".js": ".mjs" },
  define: { "process.env.CONSOLE_ROOT": JSON.stringify(root) }, logLevel: "warning",
});
const result = spawnSync(process.execPath, ["--test", ...names.map((name) => join(out, name.replace(/\.ts$/, ".mjs")))], { stdio: "inherit" });
process.exit(result.status ?? 1);
