import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Tests that import a package by name get its sources. Only conformance/package-checks looks at the build. */
const alias = [
  { find: /^@emlinh\/progress-protocol$/, replacement: at("packages/protocol/src/index.ts") },
  { find: /^@emlinh\/progress-(server|client)$/, replacement: at("packages/$1/src/index.ts") },
  {
    find: /^@emlinh\/progress-server\/testing$/,
    replacement: at("packages/server/src/testing/index.ts"),
  },
  {
    find: /^@emlinh\/progress-client\/tabs$/,
    replacement: at("packages/client/src/tabs/index.ts"),
  },
  {
    find: /^@emlinh\/progress-server\/stores\/(\w+)$/,
    replacement: at("packages/server/src/stores/$1/index.ts"),
  },
  {
    find: /^@emlinh\/progress-(server|client)\/(.+)$/,
    replacement: at("packages/$1/src/$2.ts"),
  },
];

/** For the projects that run the build. */
const globalSetup = "./conformance/package-checks/ensure-built.ts";
/** At least two test files at a time, because most of them wait: for a server to start, for a time limit. */
const maxWorkers = Math.max(2, availableParallelism() - 1);
const exclude = ["**/node_modules/**", "**/dist/**"];

export default defineConfig({
  resolve: { alias },
  test: {
    passWithNoTests: true,
    retry: 0,
    maxWorkers,
    // A condition that a test waits for fails only if it never comes: on a busy machine one second is short.
    expect: { poll: { timeout: 15_000, interval: 10 } },
    reporters: ["default", "./scripts/count-reporter.ts"],
    // Groups run one after the other, so that linters and compilers do not slow down tests of time limits.
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts", "scripts/**/*.test.ts"],
          exclude,
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: "types",
          include: [],
          exclude,
          typecheck: {
            enabled: true,
            only: true,
            // Errors in other files are reported by `tsc`, which package-checks runs.
            ignoreSourceErrors: true,
            include: ["packages/*/test/**/*.test-d.ts", "conformance/**/*.test-d.ts"],
            exclude,
            tsconfig: "./tsconfig.json",
          },
        },
      },
      {
        extends: true,
        test: {
          name: "package",
          include: ["conformance/package-checks/**/*.test.ts"],
          exclude,
          globalSetup,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "conformance",
          include: ["conformance/**/*.test.ts"],
          exclude: [...exclude, "conformance/browser/**", "conformance/package-checks/**"],
          sequence: { groupOrder: 2 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "examples",
          include: ["examples/*/test/**/*.test.ts"],
          exclude,
          globalSetup,
          sequence: { groupOrder: 3 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: ["conformance/browser/**/*.test.ts", "examples/*/e2e/**/*.test.ts"],
          exclude,
          globalSetup,
          // One browser at a time: on two cores two of them are so slow that tests fail.
          fileParallelism: false,
          sequence: { concurrent: false, groupOrder: 4 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
