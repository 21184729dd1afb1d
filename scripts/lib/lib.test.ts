import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withoutNpm } from "./environment.mjs";
import { buildKey, installKey, unlessStamped } from "./stamps.mjs";
import { provideSystemTools } from "./system-tools.mjs";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "progress-scripts-"));
  put("package.json", "{}");
  put("packages/a/package.json", "{}");
  put("packages/a/src/index.ts", "export {};");
  put("packages/a/node_modules/.keep", "");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
}

describe("withoutNpm", () => {
  it("given the variables of npm, keeps only those of the registry", () => {
    const kept = {
      PATH: "/bin",
      npm_config_registry: "r",
      "npm_config_@scope:registry": "s",
      npm_config_cache: "c",
      npm_config_cafile: "f",
      npm_config_https_proxy: "p",
      npm_config_noproxy: "n",
      npm_config_strict_ssl: "",
    };
    const dropped = {
      INIT_CWD: "/",
      npm_command: "test",
      npm_config_prefix: "/usr",
      npm_config_local_prefix: "/",
      npm_lifecycle_event: "test",
      npm_package_name: "x",
    };
    expect(withoutNpm({ ...kept, ...dropped })).toEqual(kept);
  });
});

describe("a stamp", () => {
  const build = async () => {
    let built = false;
    await unlessStamped(root, "build", buildKey, async () => {
      put("packages/a/dist/index.js", String(Math.random()));
      built = true;
    });
    return built;
  };

  it("given no change, skips the work", async () => {
    expect([await build(), await build(), await build()]).toEqual([true, false, false]);
  });

  it.for([
    ["a source", "packages/a/src/index.ts"],
    ["a new source", "packages/a/src/more.ts"],
    ["the manifest", "packages/a/package.json"],
    ["the lockfile", "pnpm-lock.yaml"],
    ["a built file", "packages/a/dist/index.js"],
  ] as const)("given a change of %s, does the work", async ([, path]) => {
    await build();
    put(path, "{ }");
    expect(await build()).toBe(true);
  });

  it.for(["packages/a/test/a.test.ts", "packages/a/README.md", "packages/a/data/job.json"])(
    "given a change of %s, skips the work",
    async (path) => {
      await build();
      put(path, "{ }");
      expect(await build()).toBe(false);
    },
  );

  it("given a package without its node_modules, installs again", () => {
    const before = installKey(root);
    rmSync(join(root, "packages/a/node_modules"), { recursive: true });
    expect(installKey(root)).not.toBe(before);
  });

  it("given work that failed, is not written", async () => {
    const failing = unlessStamped(root, "build", buildKey, () => Promise.reject(new Error("no")));
    await expect(failing).rejects.toThrow("no");
    expect(await build()).toBe(true);
  });
});

describe("provideSystemTools", () => {
  const tool = {
    name: "sprocket",
    binaries: ["sprocket"],
    variable: "SPROCKET_PATH",
    aptPackage: "sprocket",
    purpose: "this test",
    needed: true,
  };

  it("given a tool on PATH, sets its variable", async () => {
    put("bin/sprocket", "");
    const env: NodeJS.ProcessEnv = { PATH: join(root, "bin") };
    await provideSystemTools(env, root, [tool]);
    expect(env.SPROCKET_PATH).toBe(join(root, "bin/sprocket"));
    expect(env.MISSING_SYSTEM_TOOLS).toBe("");
  });

  it("given no tool and no apt, names the missing tool", async () => {
    const env: NodeJS.ProcessEnv = { PATH: join(root, "bin") };
    await provideSystemTools(env, root, [tool]);
    expect(env).toEqual({ PATH: join(root, "bin"), MISSING_SYSTEM_TOOLS: "sprocket" });
  });

  it("given a tool that no test uses yet, does not look for it", async () => {
    const env: NodeJS.ProcessEnv = { PATH: "" };
    await provideSystemTools(env, root, [{ ...tool, needed: false }]);
    expect(env.MISSING_SYSTEM_TOOLS).toBe("");
  });
});

describe.skipIf(process.platform === "win32")("runVisibly", () => {
  /** A process that runs `script` by `runVisibly`, and its output. */
  function runner(script: string) {
    const module = new URL("./child.mjs", import.meta.url).href;
    const code = `import { runVisibly } from ${JSON.stringify(module)};
      const ended = await runVisibly("sh", ["-c", ${JSON.stringify(script)}], { cwd: ".", env: process.env });
      console.log(JSON.stringify(ended));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", code]);
    const lines: string[] = [];
    let wake = () => {};
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      lines.push(...text.trim().split("\n"));
      wake();
    });
    const line = async (wanted: (text: string) => boolean): Promise<string> => {
      for (;;) {
        const found = lines.find(wanted);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    return { child, line };
  }

  it("given a command that ends by itself, returns its exit code", async () => {
    const { line } = runner("exit 7");
    expect(JSON.parse(await line((text) => text.startsWith("{")))).toEqual({
      code: 7,
      stopped: false,
    });
  });

  it.for(["SIGINT", "SIGTERM"] as const)(
    "given %s, ends every process that the command started",
    async (signal) => {
      const node = [
        `process.on("${signal}", () => setTimeout(() => { console.log("cleaned"); process.exit(0) }, 100))`,
        "setInterval(() => {}, 1e6)",
        'console.log("ready")',
      ].join("; ");
      const { child, line } = runner(`node -e '${node}'; true`);
      await line((text) => text === "ready");
      child.kill(signal);
      expect(await line((text) => text === "cleaned")).toBe("cleaned");
      const ended = JSON.parse(await line((text) => text.startsWith("{")));
      expect(ended.stopped).toBe(true);
    },
  );
});
