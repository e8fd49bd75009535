import { defineConfig } from "vite";

// esbuild turns TSX into calls of Preact by itself; the plug-in of Preact would only add hot replacement, for some eighty packages more.
export default defineConfig({
  base: "/console/",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    // A data: URL would need a hole in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8161", ws: true } } },
});
