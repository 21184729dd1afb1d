import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bin, root, run } from "./command.js";
import {
  entries,
  filesNamedBy,
  folderOf,
  manifestOf,
  type Published,
  published,
} from "./packages.js";
import { typedPrograms } from "./typed-programs.js";

const PRIVATE = "@emlinh/progress-protocol";

let folder = "";
const tarballs = {} as Record<Published, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "progress-packed-"));
  for (const name of published) tarballs[name] = await pack(name);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function pack(name: Published): Promise<string> {
  await run("pnpm", ["pack", "--pack-destination", folder], folderOf(name));
  const { name: full, version } = manifestOf(name);
  return join(folder, `${full.replace("@", "").replace("/", "-")}-${version}.tgz`);
}

describe.for(published)("the tarball of %s", (name) => {
  it("has every file that its manifest names", async () => {
    const packed = (await run("tar", ["-tzf", tarballs[name]])).split("\n");
    const wanted = filesNamedBy(manifestOf(name)).map((file) => join("package", file));
    expect(wanted.filter((file) => !packed.includes(file))).toEqual([]);
    expect(packed).toEqual(expect.arrayContaining(["package/README.md", "package/LICENSE"]));
    expect(packed.filter((file) => /\/(src|test)\/|tsconfig|typedoc/.test(file))).toEqual([]);
  });

  it("does not mention the private package", async () => {
    const unpacked = join(folder, `unpacked-${name}`);
    mkdirSync(unpacked);
    await run("tar", ["-xzf", tarballs[name], "-C", unpacked]);
    const naming = readdirSync(join(unpacked, "package"), { recursive: true, encoding: "utf8" })
      .filter((file) => /\.([cm]?js|ts|cts)$/.test(file))
      .filter((file) => readFileSync(join(unpacked, "package", file), "utf8").includes(PRIVATE));
    expect(naming).toEqual([]);
  });

  it("passes publint", async () => {
    await run(`${bin}publint`, ["run", tarballs[name], "--strict"]);
  });

  it("has types that resolve in every module system", async () => {
    await run(`${bin}attw`, [tarballs[name], "--no-emoji", "--no-color"]);
  });
});

describe("an empty folder into which npm installs the tarballs", () => {
  let consumer = "";

  beforeAll(async () => {
    consumer = join(folder, "consumer");
    mkdirSync(consumer);
    const parser = await packInstalled("eventsource-parser");
    const dependencies = [tarballs.server, tarballs.client, parser].map((path) => `file:${path}`);
    await writeFile(join(consumer, "package.json"), `{ "private": true, "type": "module" }\n`);
    const flags = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund"];
    await run("npm", ["install", ...flags, ...dependencies], consumer);
  });

  /** The client's dependency as a tarball, so that npm needs no registry. */
  async function packInstalled(dependency: string): Promise<string> {
    const from = realpathSync(`${folderOf("client")}node_modules/${dependency}`);
    const copy = join(folder, dependency);
    cpSync(from, copy, { recursive: true });
    await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], copy);
    const { version } = JSON.parse(readFileSync(join(copy, "package.json"), "utf8"));
    return join(folder, `${dependency}-${version}.tgz`);
  }

  const specifiers = entries.map(({ specifier }) => specifier);

  it.for(specifiers)("imports %s, with no framework installed", async (specifier) => {
    await run("node", ["--input-type=module", "-e", `await import("${specifier}")`], consumer);
  });

  it.for(specifiers)("requires %s, with no framework installed", async (specifier) => {
    await run("node", ["--input-type=commonjs", "-e", `require("${specifier}")`], consumer);
  });

  it("finds the script-tag build beside the entry; it defines one global", async () => {
    const entry = createRequire(join(consumer, "x.js")).resolve("@emlinh/progress-client");
    const script = readFileSync(join(dirname(entry), "progress.global.js"), "utf8");
    const before = Object.keys(globalThis).length;
    const global = new Function(`${script}; return EmLinhProgress;`)();
    const { default: _, ...names } = (await import(entryOf("client"))) as Record<string, unknown>;
    expect(Object.keys(global).sort()).toEqual(Object.keys(names).sort());
    expect(Object.keys(globalThis)).toHaveLength(before);
  });

  const RESOLUTIONS = ["node16", "bundler"] as const;

  it.for(RESOLUTIONS)("type-checks the main entries with %s and nothing else", async (how) => {
    // Every declaration is checked too: none may depend on Node's types or on a lax setting.
    await typeCheck(
      how,
      published.map((name) => manifestOf(name).name),
      {},
    );
  });

  it.for(RESOLUTIONS)("type-checks every entry with %s, beside the frameworks", async (how) => {
    await linkTypes();
    // The declarations of the frameworks are not checked.
    await typeCheck(how, specifiers, { types: ["node"], skipLibCheck: true });
  });

  it.for(RESOLUTIONS)(
    "type-checks the READMEs' TypeScript, a typed app and each adapter with %s",
    async (how) => {
      await linkTypes();
      const programs = typedPrograms(published.map(folderOf));
      expect(Object.keys(programs)).toEqual([
        "server-readme-0",
        "client-readme-0",
        "typed-app",
        "typed-adapters",
      ]);
      await typeCheckTexts(how, programs, { types: ["node"], skipLibCheck: true });
    },
  );

  async function typeCheck(
    how: (typeof RESOLUTIONS)[number],
    names: readonly string[],
    options: Record<string, unknown>,
  ): Promise<void> {
    const lines = names.map((name, index) => `import * as m${index} from "${name}";`);
    const text = `${lines.join("\n")}\nexport const all = [${names.map((_, i) => `m${i}`)}];\n`;
    await typeCheckTexts(how, { consumer: text }, options);
  }

  /** Compiles programs, given by name, in the consumer's folder. */
  async function typeCheckTexts(
    how: (typeof RESOLUTIONS)[number],
    texts: Readonly<Record<string, string>>,
    options: Record<string, unknown>,
  ): Promise<void> {
    // The same text as an ES module and as CommonJS, because each form has its own types.
    const endings = how === "node16" ? [".mts", ".cts"] : [".mts"];
    const files: string[] = [];
    for (const [name, text] of Object.entries(texts)) {
      for (const ending of endings) {
        files.push(name + ending);
        await writeFile(join(consumer, name + ending), text);
      }
    }
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      target: "es2022",
      lib: ["es2023", "dom", "dom.iterable", "dom.asynciterable"],
      types: [],
      module: how === "node16" ? "node16" : "preserve",
      moduleResolution: how,
      ...options,
    };
    const config = join(consumer, "tsconfig.json");
    await writeFile(config, JSON.stringify({ compilerOptions, files }));
    await run(`${bin}tsc`, ["--project", config], consumer);
  }

  /** Links the frameworks' types of this workspace: an app that imports an adapter has its framework installed. */
  async function linkTypes(): Promise<void> {
    const api = "@opentelemetry/api";
    for (const name of ["@types/node", "@types/express", "@types/koa", "fastify", "hono", api]) {
      const to = join(consumer, "node_modules", name);
      if (existsSync(to)) continue;
      mkdirSync(dirname(to), { recursive: true });
      await symlink(realpathSync(`${folderOf("server")}node_modules/${name}`), to);
    }
  }

  function entryOf(name: Published): string {
    return entries.find((entry) => entry.package === name)?.esm ?? `${root}missing`;
  }
});
