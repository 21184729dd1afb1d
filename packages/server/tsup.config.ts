import { defineConfig } from "tsup";

export default defineConfig({
  entry: [
    "src/index.ts",
    "src/adapters/node.ts",
    "src/adapters/fetch.ts",
    "src/adapters/express.ts",
    "src/adapters/fastify.ts",
    "src/stores/sqlite.ts",
    "src/stores/redis.ts",
    "src/stores/postgres.ts",
    "src/testing/index.ts",
  ],
  format: ["esm", "cjs"],
  target: "node20",
  platform: "node",
  // The private package is inlined: its code by this line, its types by `paths` in tsconfig.json.
  noExternal: ["@emlinh/progress-protocol"],
  // TypeScript 6 calls an option that tsup itself sets deprecated.
  dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  clean: true,
  sourcemap: true,
});
