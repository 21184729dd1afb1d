import { defineConfig } from "tsup";

export default defineConfig({
  // By the name of the built file, which is that of the public subpath.
  entry: {
    index: "src/index.ts",
    "adapters/node": "src/adapters/node.ts",
    "adapters/fetch": "src/adapters/fetch.ts",
    "adapters/express": "src/adapters/express.ts",
    "adapters/fastify": "src/adapters/fastify.ts",
    "adapters/koa": "src/adapters/koa.ts",
    "adapters/hono": "src/adapters/hono.ts",
    "adapters/next": "src/adapters/next.ts",
    "stores/sqlite": "src/stores/sqlite/index.ts",
    "stores/redis": "src/stores/redis/index.ts",
    "stores/postgres": "src/stores/postgres/index.ts",
    otel: "src/otel.ts",
    "testing/index": "src/testing/index.ts",
  },
  format: ["esm", "cjs"],
  target: "node20",
  platform: "node",
  // The private package is inlined: its code by this line, its types by `paths` in tsconfig.json.
  noExternal: ["@emlinh/progress-protocol"],
  // TypeScript 6 calls an option that tsup itself sets deprecated.
  dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  clean: true,
  // The code is not minified, so a stack trace is readable without a map.
  sourcemap: false,
});
