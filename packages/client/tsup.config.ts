import { defineConfig } from "tsup";

const target = ["es2022", "chrome100", "firefox100", "safari15.4"];

export default defineConfig([
  {
    entry: ["src/index.ts"],
    format: ["esm", "cjs"],
    target,
    platform: "neutral",
    // The private package is inlined: its code by this line, its types by `paths` in tsconfig.json.
    noExternal: ["@emlinh/progress-protocol"],
    // TypeScript 6 calls an option that tsup itself sets deprecated.
    dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
    sourcemap: true,
  },
  {
    entry: { progress: "src/index.ts" },
    format: ["iife"],
    globalName: "EmLinhProgress",
    target,
    platform: "browser",
    // A page without a bundler resolves nothing, so all is inside.
    noExternal: [/.*/],
    minify: true,
    sourcemap: false,
    dts: false,
  },
]);
