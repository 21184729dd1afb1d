import { runtimeSuite } from "../../bun/test/support/runtime-suite.js";

runtimeSuite({
  name: "Deno",
  folder: new URL("..", import.meta.url),
  binaries: {
    "linux-x64": "@deno/linux-x64-glibc/deno",
    "darwin-arm64": "@deno/darwin-arm64/deno",
  },
  args: ["run", "--unstable-no-legacy-abort", "--allow-net", "--allow-env=PORT"],
});
