import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { crowdedPrefixes, cyclesIn, importsOf, roomOf, wrongImports } from "./rooms.js";
import { filesMatching, PACKAGE_SOURCES } from "./sources.js";

const sources = filesMatching(PACKAGE_SOURCES).map(({ path, text }) => ({
  path: posix.relative("packages", path),
  text,
}));
const files = sources.map(({ path }) => path);
const imports = sources.flatMap(({ path, text }) => importsOf(path, text));

describe("given packages/*/src", () => {
  it("has only imports that the room of the file allows", () => {
    expect(wrongImports(imports)).toEqual([]);
  });

  it("has no file outside the rooms", () => {
    expect(files.filter((file) => roomOf(file) === undefined)).toEqual([]);
  });

  it("has no cycle of imports", () => {
    expect(cyclesIn(imports)).toEqual([]);
  });

  it("has no import of a file that does not exist, or without its extension", () => {
    const gone = imports.filter(
      ({ specifier }) => /^[a-z]+\/src\//.test(specifier) && !files.includes(specifier),
    );
    expect(gone.map(({ from, line, specifier }) => `${from}:${line} -> ${specifier}`)).toEqual([]);
  });

  it("has no prefix that more than three files of a folder share", () => {
    expect(crowdedPrefixes(files)).toEqual([]);
  });
});

describe("the import rule refuses", () => {
  const cases: [name: string, file: string, line: string][] = [
    ["Node in the protocol", "protocol/src/wire.ts", `import { Buffer } from "node:buffer";`],
    ["the core in shared", "server/src/shared/time.ts", `import { x } from "../core/store.js";`],
    [
      "a store in the core",
      "server/src/core/jobs.ts",
      `import { x } from "../stores/memory/index.js";`,
    ],
    ["Node in the core", "server/src/core/hub/hub.ts", `import type { X } from "node:http";`],
    [
      "the hub in the reporter",
      "server/src/core/reporter/r.ts",
      `import { x } from "../hub/h.js";`,
    ],
    [
      "the handler in the reporter",
      "server/src/core/reporter/r.ts",
      `import type { X } from "../http/types.js";`,
    ],
    [
      "the reporter in the hub",
      "server/src/core/hub/h.ts",
      `import { x } from "../reporter/r.js";`,
    ],
    ["the handler in the hub", "server/src/core/hub/h.ts", `import { x } from "../http/poll.js";`],
    [
      "the reporter in the handler",
      "server/src/core/http/poll.ts",
      `import { x } from "../reporter/r.js";`,
    ],
    ["the wiring in the hub", "server/src/core/hub/h.ts", `import { x } from "../progress.js";`],
    [
      "a database in a store",
      "server/src/stores/redis/redis-store.ts",
      `import { createClient } from "redis";`,
    ],
    [
      "the hub in a store",
      "server/src/stores/redis/redis-store.ts",
      `import type { X } from "../../core/hub/hub.js";`,
    ],
    [
      "a value of the core in a store",
      "server/src/stores/redis/redis-store.ts",
      `import { x } from "../../core/store.js";`,
    ],
    [
      "another store in a store",
      "server/src/stores/redis/redis-store.ts",
      `import { x } from "../memory/index.js";`,
    ],
    [
      "one store in what all stores share",
      "server/src/stores/shared/watchers.ts",
      `import { x } from "../memory/index.js";`,
    ],
    [
      "a store past its index.ts",
      "server/src/index.ts",
      `import { x } from "./stores/memory/memory-store.js";`,
    ],
    [
      "a store in the suite",
      "server/src/testing/s.ts",
      `import { x } from "../stores/memory/index.js";`,
    ],
    [
      "the hub in an adapter",
      "server/src/adapters/a.ts",
      `import { x } from "../core/hub/hub.js";`,
    ],
    ["a framework in an adapter", "server/src/adapters/express.ts", `import e from "express";`],
    ["a value under `type` names", "server/src/adapters/a.ts", `import { type X } from "fastify";`],
    ["a re-export", "server/src/core/hub/h.ts", `export { x } from "../../adapters/node.js";`],
    ["a late import", "client/src/core/watch.ts", `const x = await import("node:fs");`],
    ["an import type", "client/src/machine/r.ts", `type X = import("../core/watch.js").X;`],
    [
      "protocol code in the machine",
      "client/src/machine/r.ts",
      `import { x } from "@emlinh/progress-protocol";`,
    ],
    [
      "the machine in a transport",
      "client/src/transports/s.ts",
      `import { x } from "../machine/r.js";`,
    ],
    [
      "the server in the client",
      "client/src/core/watch.ts",
      `import { x } from "@emlinh/progress-server";`,
    ],
    ["react in the core", "client/src/core/watch.ts", `import { useState } from "react";`],
    [
      "the client's core in react",
      "client/src/react/r.ts",
      `import { x } from "../core/watch.js";`,
    ],
    ["anything in no room", "client/src/util.ts", `import { x } from "./core/watch.js";`],
    ["a store without a room", "server/src/stores/mysql/m.ts", `import { x } from "./y.js";`],
  ];
  it.for(cases)("%s", ([, file, line]) => {
    expect(wrongImports(importsOf(file, line))).toHaveLength(1);
  });

  it("and names the file and the line", () => {
    const text = `\n\nimport { x } from "../hub/hub.js";`;
    expect(wrongImports(importsOf("server/src/core/reporter/r.ts", text))).toEqual([
      "packages/server/src/core/reporter/r.ts:3 (server core/reporter) may not import server/src/core/hub/hub.ts",
    ]);
  });

  it("a cycle, through types too", () => {
    const there = importsOf("a/src/a.ts", `import { b } from "./b.js";`);
    const back = importsOf("a/src/b.ts", `import type { A } from "./a.js";`);
    expect(cyclesIn([...there, ...back])).toEqual(["a/src/a.ts -> a/src/b.ts -> a/src/a.ts"]);
  });

  it("a prefix that four files share, and not one that three share", () => {
    const three = ["redis.ts", "redis-keys.ts", "redis-client.ts"].map((name) => `a/src/${name}`);
    expect(crowdedPrefixes([...three, "a/src/other.ts", "a/src/redis/redis-a.ts"])).toEqual([]);
    expect(crowdedPrefixes([...three, "a/src/redis-sweep.ts"])).toHaveLength(1);
  });
});

describe("the import rule allows", () => {
  const cases: [name: string, file: string, line: string][] = [
    ["shared in the core", "server/src/core/hub/h.ts", `import { x } from "../../shared/time.js";`],
    ["a contract in the hub", "server/src/core/hub/h.ts", `import { x } from "../options.js";`],
    ["the hub in the handler", "server/src/core/http/h.ts", `import { x } from "../hub/hub.js";`],
    [
      "the store's contract in a store, as types",
      "server/src/stores/redis/s.ts",
      `import type { X } from "../../core/store.js";`,
    ],
    [
      "a database client in a store, as types",
      "server/src/stores/postgres/s.ts",
      `import type { Pool } from "pg";`,
    ],
    [
      "a store in the entry",
      "server/src/index.ts",
      `export { x } from "./stores/memory/index.js";`,
    ],
  ];
  it.for(cases)("%s", ([, file, line]) => {
    expect(wrongImports(importsOf(file, line))).toEqual([]);
  });
});
