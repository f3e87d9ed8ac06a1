// Bundles the page into one file: node report/build.mjs OUTPUT
// The marker @DATA@ stays; the program puts the report's JSON there.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const output = process.argv[2];
if (!output) {
  console.error("usage: node build.mjs OUTPUT");
  process.exit(2);
}

async function bundle(entry) {
  const result = await build({
    entryPoints: [join(here, entry)],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: ["chrome100", "firefox100", "safari15"],
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
  });
  return result.outputFiles[0].text.trim();
}

const script = await bundle("main.js");
const style = await bundle("style.css");
// Either would end its element early.
if (/<\/script|<!--/i.test(script)) throw new Error("the script holds </script or <!--");
if (/<\/style/i.test(style)) throw new Error("the style sheet holds </style");

const parts = {
  SCRIPT_HASH: `sha256-${createHash("sha256").update(script).digest("base64")}`,
  STYLE: style,
  SCRIPT: script,
};
const page = readFileSync(join(here, "index.html"), "utf8").replace(
  /@(SCRIPT_HASH|STYLE|SCRIPT)@/g,
  (_, name) => parts[name],
);
if (page.split("@DATA@").length !== 2) throw new Error("want the marker @DATA@ once");
writeFileSync(output, page);
