// Builds css, js, fonts and icons into src/gateway/static with hashed names and a manifest for Jinja.
// `--check` builds into a temporary folder and compares with what is committed.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const committed = join(here, "../src/gateway/static");
const checking = process.argv.includes("--check");
const outdir = mkdtempSync(join(tmpdir(), "assets-"));
const work = join(here, "node_modules/.work");

function hashed(name, extension, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8);
  return `${name}-${hash}.${extension}`;
}

function compileCss() {
  mkdirSync(work, { recursive: true });
  const compiled = join(work, "app.css");
  execFileSync(
    process.execPath,
    [join(here, "node_modules/@tailwindcss/cli/dist/index.mjs"), "-i", "css/app.css", "-o", compiled],
    { cwd: here, stdio: ["ignore", "ignore", "pipe"] },
  );
  return compiled;
}

function sprite() {
  const symbols = JSON.parse(readFileSync(join(here, "icons.json"), "utf8")).map((name) => {
    const svg = readFileSync(join(here, `node_modules/lucide-static/icons/${name}.svg`), "utf8");
    const body = svg.replace(/^[\s\S]*?<svg[^>]*>/, "").replace("</svg>", "").replace(/\s+/g, " ").replace(/> </g, "><");
    return `<symbol id="${name}" viewBox="0 0 24 24">${body.trim().replace(/ \/>/g, "/>")}</symbol>`;
  });
  return `<!-- Lucide, ISC License --><svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
}

async function bundle(css) {
  const result = await build({
    absWorkingDir: here,
    entryPoints: { app: "js/app.js", entrance: "js/entrance.js", styles: css },
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    target: ["es2022", "chrome123", "firefox121", "safari17.5"],
    supported: { nesting: true },
    outdir,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".woff2": "file" },
    nodePaths: [join(here, "node_modules")],
    metafile: true,
    legalComments: "none",
    logLevel: "warning",
  });
  return result.metafile;
}

function manifestOf(metafile) {
  const files = {};
  const imports = {};
  for (const [path, output] of Object.entries(metafile.outputs)) {
    const name = basename(path);
    const logical = name.replace(/-[A-Z0-9]{8}(?=\.)/, "");
    if (!output.entryPoint && !name.endsWith(".woff2")) continue;
    files[logical] = name;
    const statics = output.imports.filter(({ kind }) => kind === "import-statement");
    if (statics.length) imports[logical] = statics.map((item) => basename(item.path)).sort();
  }
  return { files, imports };
}

const manifest = manifestOf(await bundle(compileCss()));
for (const [name, extension, content] of [
  ["sprite", "svg", sprite()],
  ["mark", "svg", readFileSync(join(here, "mark.svg"), "utf8")],
]) {
  manifest.files[`${name}.${extension}`] = hashed(name, extension, content);
  writeFileSync(join(outdir, manifest.files[`${name}.${extension}`]), content);
}
const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => a.localeCompare(b)));
writeFileSync(
  join(outdir, "manifest.json"),
  `${JSON.stringify({ files: sorted(manifest.files), imports: sorted(manifest.imports) }, null, 2)}\n`,
);

const list = (folder) => (existsSync(folder) ? readdirSync(folder) : []);
const differs = [...new Set([...list(outdir), ...list(committed)])].sort().filter((name) => {
  const [built, kept] = [join(outdir, name), join(committed, name)];
  return !existsSync(built) || !existsSync(kept) || !readFileSync(built).equals(readFileSync(kept));
});

const byManifestLast = (names) => [...names].sort((a, b) => (a === "manifest.json") - (b === "manifest.json"));

if (checking && differs.length) {
  console.error(`assets: the committed files are not what the sources build (${differs.join(", ")}). Run make assets.`);
  process.exitCode = 1;
} else if (checking) {
  console.log("assets: committed files match the sources");
} else {
  // Only what differs is touched, the manifest last: a running gateway never sees half of it.
  mkdirSync(committed, { recursive: true });
  for (const name of byManifestLast(differs).filter((name) => existsSync(join(outdir, name)))) {
    copyFileSync(join(outdir, name), join(committed, name));
  }
  for (const name of differs.filter((name) => !existsSync(join(outdir, name)))) rmSync(join(committed, name));
  console.log(`assets: ${differs.length} files changed in ${relative(process.cwd(), committed)}`);
}
rmSync(outdir, { recursive: true });
