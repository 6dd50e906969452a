// Bundles the four pages into web/dist: a script and a style sheet each, the fonts and the icon. Run by build.py.
import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const outdir = here("dist");

const { metafile } = await build({
  absWorkingDir: here("."),
  entryPoints: [
    { in: here("src/main.js"), out: "main" },
    { in: here("styles/main.css"), out: "main" },
    { in: here("src/learned.js"), out: "learned" },
    { in: here("styles/learned.css"), out: "learned" },
    { in: here("src/library.js"), out: "library" },
    { in: here("styles/library.css"), out: "library" },
    { in: here("src/choices.js"), out: "choices" },
    { in: here("styles/choices.css"), out: "choices" },
    { in: here("styles/icon.svg"), out: "icon" },
  ],
  outdir,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  assetNames: "[name]",
  loader: { ".woff2": "file", ".svg": "copy" },
  metafile: true,
  logLevel: "warning",
});

const built = new Set(Object.keys(metafile.outputs).map((path) => basename(path)));
const stale = (await readdir(outdir)).filter((name) => !built.has(name));
await Promise.all(stale.map((name) => rm(join(outdir, name), { recursive: true })));
