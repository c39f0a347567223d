// Bundles src/ into src/logonscope/faces/web/. With --check: only compares what is there with what would be built.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const here = import.meta.dirname;
const target = join(here, "..", "src", "logonscope", "faces", "web");
const MOST_COMPRESSED = 250_000;

async function bundle(entry, options) {
  const result = await build({
    entryPoints: [join(here, "src", entry)],
    bundle: true,
    minify: true,
    write: false,
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    absWorkingDir: here,
    ...options,
  });
  return Buffer.from(result.outputFiles[0].contents);
}

/** The hash of all that the bundle is made of: tests/page/test_bundle.py computes it, too, without node. */
function sourceHash() {
  const names = [...readdirSync(join(here, "src")).map((name) => `src/${name}`), "build.mjs", "package-lock.json"].sort();
  const hash = createHash("sha256");
  for (const name of names) hash.update(`${name}\n`).update(readFileSync(join(here, name))).update("\n");
  return hash.digest("hex");
}

const files = {
  "page.js": await bundle("main.ts", { format: "iife" }),
  "page.css": await bundle("page.css", {}),
};
const size = Object.values(files).reduce((sum, data) => sum + gzipSync(data, { level: 9 }).length, 0);
if (size > MOST_COMPRESSED) throw new Error(`the bundle has ${size} bytes compressed: at most ${MOST_COMPRESSED}`);
const hashes = Object.entries(files).map(([name, data]) => `${createHash("sha256").update(data).digest("hex")}  ${name}`);
files["bundle.sha256"] = Buffer.from([`${sourceHash()}  sources`, ...hashes, ""].join("\n"));
for (const [name, data] of Object.entries(files)) {
  const path = join(target, name);
  if (!process.argv.includes("--check")) writeFileSync(path, data);
  else if (!readFileSync(path).equals(data)) throw new Error(`${name} is not what the sources give: npm run build`);
}
console.log(`${size} bytes compressed`);
