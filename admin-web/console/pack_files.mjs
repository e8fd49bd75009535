// Makes C++ of the built console: node pack_files.mjs DIST OUTPUT.cpp
// Every file goes in as it is and, where it is text, packed with gzip and Brotli at their best, once, so that the broker never packs.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { extname, join, relative, resolve, sep } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".txt": "text/plain; charset=utf-8",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};
const packed = new Set([".html", ".js", ".css", ".svg", ".json", ".webmanifest", ".txt"]);

function filesIn(folder) {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      // What the build tool notes for itself is of no use in a browser.
      if (name.startsWith(".")) return [];
      const path = join(folder, name);
      return statSync(path).isDirectory() ? filesIn(path) : [path];
    });
}

function smaller(candidate, content) {
  return candidate.length < content.length * 0.95 ? candidate : undefined;
}

const [dist, output] = process.argv.slice(2).map((path) => resolve(path));
const blobs = [];
function blob(content) {
  if (!content || content.length === 0) return "{}";
  const file = `${output}.${blobs.length}.bin`;
  writeFileSync(file, content);
  blobs.push(file);
  return `blob(giromq_console_${blobs.length - 1}, giromq_console_${blobs.length - 1}_end)`;
}

const rows = [];
for (const path of filesIn(dist)) {
  const extension = extname(path);
  const type = types[extension];
  if (!type) throw new Error(`${path}: no media type is known for ${extension}`);
  const content = readFileSync(path);
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 32);
  const pack = packed.has(extension);
  const gzip = pack ? smaller(gzipSync(content, { level: 9 }), content) : undefined;
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  const brotli = pack ? smaller(brotliCompressSync(content, { params: quality }), content) : undefined;
  const name = JSON.stringify(relative(dist, path).split(sep).join("/"));
  rows.push(`        {${name}, ${JSON.stringify(type)}, "${hash}", ${blob(content)}, ${blob(gzip)}, ${blob(brotli)}},`);
}

const symbols = blobs.map((file, index) => {
  const name = `giromq_console_${index}`;
  const lines = [".pushsection .rodata", ".balign 16", `${name}:`, `.incbin ${JSON.stringify(file)}`, `${name}_end:`, ".byte 0", ".popsection"];
  const text = lines.map((line) => JSON.stringify(`${line}\n`)).join("\n        ");
  return `__asm__(${text});\nextern "C" const char ${name}[];\nextern "C" const char ${name}_end[];`;
});
writeFileSync(
  output,
  `// Made by pack_files.mjs.
#include <cstddef>

#include "admin-web/console_files.hpp"

${symbols.join("\n")}

namespace giromq::admin_web {
namespace {

std::string_view blob(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

}  // namespace

std::span<const ConsoleFile> built_in_console() {
    static const ConsoleFile files[] = {
${rows.join("\n")}
    };
    return files;
}

}  // namespace giromq::admin_web
`,
);
