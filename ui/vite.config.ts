import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

/** The server that the development server asks: `VERBATIM=http://127.0.0.1:8080 npm run dev`. */
const verbatim = process.env.VERBATIM ?? "http://127.0.0.1:8080";

export default defineConfig(({ command }) => ({
  // The server replaces this folder in the page with one that is named after the files' bytes.
  base: command === "build" ? "/ui/built/" : "/",
  plugins: [svelte({ compilerOptions: { runes: true } })],
  build: {
    target: ["chrome123", "firefox128", "safari17.5"],
    // A test builds into another folder, to compare.
    outDir: process.env.DIST ?? "dist",
    modulePreload: false,
    rolldownOptions: {
      // Administration is a script of its own, which agents do not fetch.
      output: { entryFileNames: "app.js", chunkFileNames: ({ name }) => `${name.toLowerCase()}.js`, assetFileNames: "app[extname]" },
    },
  },
  server: {
    proxy: { "/v1": verbatim, "/socket.io": { target: verbatim, ws: true } },
  },
}));
