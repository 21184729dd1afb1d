import { defineConfig } from "tsup";

/** The browsers of 2020. `conformance/package-checks/runtimes.test.ts` finds newer syntax and functions. */
const target = "es2020";

export default defineConfig([
  {
    entry: ["src/index.ts", "src/tabs/index.ts"],
    format: ["esm", "cjs"],
    target,
    platform: "neutral",
    // The private package is inlined: this line inlines its code, and `paths` in tsconfig.json its types.
    noExternal: ["@emlinh/progress-protocol"],
    // TypeScript 6 reports an option that tsup sets as deprecated.
    dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
    // The code is not minified, so a stack trace is readable without a map.
    sourcemap: false,
    // The file of the other build stays.
    clean: ["!progress.global.js"],
  },
  {
    entry: { progress: "src/index.ts" },
    format: ["iife"],
    globalName: "EmLinhProgress",
    target,
    platform: "browser",
    // A page without a bundler can't resolve imports, so every dependency is inlined.
    noExternal: [/.*/],
    minify: true,
    sourcemap: false,
    dts: false,
  },
]);
