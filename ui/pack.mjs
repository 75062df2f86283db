// The last step of ui/build: joins script and styles, names files by their content,
// fills the template and compresses everything. Called as: pack.mjs MODE STAGE DIST
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, extname, join, relative, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [mode, stage, dist] = process.argv.slice(2);
const ship = mode === "ship";
const fresh = `${dist}.new`;
const assets = join(fresh, "assets");
// What compression gains nothing on.
const packed = new Set([".woff2", ".woff", ".png", ".webp", ".jpg", ".avif"]);

rmSync(fresh, { recursive: true, force: true });
mkdirSync(assets, { recursive: true });

/** Writes an asset under a name that tells its content, and returns its URL. */
function asset(name, content) {
  const extension = extname(name);
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 16);
  const hashed = `${basename(name, extension)}.${hash}${extension}`;
  writeFileSync(join(assets, hashed), content);
  return `/assets/${hashed}`;
}

const urls = {};
// What is loaded when it is needed, by URL, with the most it may weigh: bytes over the wire.
const later = new Map();
urls.wasm = asset("page.wasm", readFileSync(join(stage, "page.wasm")));

const options = {
  bundle: true,
  minify: ship,
  write: false,
  legalComments: "none",
  logLevel: "warning",
  target: ["chrome111", "firefox114", "safari16.4"],
};

// The script starts the page, so that the HTML needs no inline script (and none is allowed to run).
writeFileSync(
  join(stage, "boot.js"),
  `import init from "./page.js";
await init({ module_or_path: new URL(${JSON.stringify(basename(urls.wasm))}, import.meta.url) });
`,
);
const script = await build({ ...options, entryPoints: [join(stage, "boot.js")], format: "esm" });
urls.js = asset("page.js", script.outputFiles[0].contents);

// The lab, a worker with a wasm of its own. What keeps it from starting becomes an error that the page hears of.
const labWasm = asset("lab.wasm", readFileSync(join(stage, "lab.wasm")));
writeFileSync(
  join(stage, "start-lab.js"),
  `import init from "./lab.js";
init({ module_or_path: new URL(${JSON.stringify(basename(labWasm))}, import.meta.url) }).catch(reportError);
`,
);
const worker = await build({ ...options, entryPoints: [join(stage, "start-lab.js")], format: "esm" });
urls.lab = asset("lab.js", worker.outputFiles[0].contents);
later.set(labWasm, 1300 * 1000).set(urls.lab, 10 * 1000);

// One stylesheet out of ui/style/main.css and what it imports. A file that a `url(…)` names, by its
// place relative to the stylesheet, becomes an asset.
const files = {
  name: "files",
  setup(plugin) {
    plugin.onResolve({ filter: /./ }, ({ path, resolveDir, kind }) => {
      if (kind !== "url-token" || path.startsWith("data:") || path.startsWith("#")) return undefined;
      const file = resolve(resolveDir, path);
      if (!existsSync(file)) return { errors: [{ text: `${path} is not there, seen from ${relative(".", resolveDir)}` }] };
      return { path: asset(basename(file), readFileSync(file)), external: true };
    });
  },
};
const style = await build({ ...options, entryPoints: ["ui/style/main.css"], plugins: [files] });
urls.css = asset("page.css", style.outputFiles[0].contents);

// The editor of code, which the page imports when it first shows one.
const notice = "/*! With CodeMirror 6: MIT licence, Copyright (C) 2018 by Marijn Haverbeke and others. */";
const editor = await build({ ...options, entryPoints: ["ui/js/code.js"], format: "esm", banner: { js: notice } });
urls.code = asset("code.js", editor.outputFiles[0].contents);
later.set(urls.code, 135 * 1000);

const template = "ui/index.html";
if (!existsSync(template)) throw new Error(`${template} is missing: it is the template of the page`);
let html = readFileSync(template, "utf8").replace(/\{\{([^{}\s]+)\}\}/g, (_, name) => {
  if (urls[name]) return urls[name];
  const file = join("ui", name);
  if (!existsSync(file)) throw new Error(`${template} names {{${name}}}, and there is no ${file}`);
  return asset(basename(file), readFileSync(file));
});
if (ship) html = html.replace(/<!--(?!\[)[\s\S]*?-->/g, "").replace(/^\s+/gm, "");
writeFileSync(join(fresh, "index.html"), html);

// Compress what gains by it, and say what a first visit costs: all of it but the icons and what is loaded later.
const total = { raw: 0, br: 0, gz: 0 };
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`.padStart(11);
const line = (name, size, note = "") => console.log(`${name.padEnd(44)}${kb(size.raw)}${kb(size.br)}${kb(size.gz)}${note}`);
console.log(`${"ui/dist".padEnd(44)}${"raw".padStart(11)}${"br".padStart(11)}${"gz".padStart(11)}`);
const names = ["index.html", ...readdirSync(assets).map((name) => `assets/${name}`)];
for (const name of names) {
  const path = join(fresh, name);
  const raw = readFileSync(path);
  const size = { raw: raw.length, br: raw.length, gz: raw.length };
  if (!packed.has(extname(name))) {
    const br = brotliCompressSync(raw, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: ship ? 11 : 4,
        [constants.BROTLI_PARAM_LGWIN]: 22,
        [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
      },
    });
    const gz = gzipSync(raw, { level: ship ? 9 : 1 });
    writeFileSync(`${path}.br`, br);
    writeFileSync(`${path}.gz`, gz);
    size.br = br.length;
    size.gz = gz.length;
  }
  const most = later.get(`/${name}`);
  line(name, size, most ? `  later, at most ${kb(most).trim()}` : "");
  if (ship && size.br > most) throw new Error(`${name} is ${size.br} bytes over the wire; the limit is ${most}`);
  if (most || extname(name) === ".svg") continue;
  for (const kind of Object.keys(total)) total[kind] += size[kind];
}
line("first load", total);
const limit = 1120 * 1000;
if (ship && total.br > limit) {
  throw new Error(`the first load is ${total.br} bytes over the wire; the limit is ${limit}`);
}

rmSync(dist, { recursive: true, force: true });
renameSync(fresh, dist);
