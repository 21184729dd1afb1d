import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { root } from "./command.js";
import { cyclesIn, importsOf, ROOMS, wrongImports } from "./rooms.js";

const packages = `${root}packages/`;
const files = readdirSync(packages)
  .flatMap((name) =>
    readdirSync(`${packages}${name}/src`, { recursive: true, encoding: "utf8" }).map(
      (file) => `${name}/src/${file}`,
    ),
  )
  .filter((file) => /\.tsx?$/.test(file));
const imports = files.flatMap((file) => importsOf(file, readFileSync(packages + file, "utf8")));

describe("every import of packages/*/src", () => {
  it("is one that its room may make", () => {
    expect(wrongImports(imports)).toEqual([]);
  });

  it("stands in a file that belongs to a room", () => {
    expect(files.filter((file) => !ROOMS.some((room) => room.files.test(file)))).toEqual([]);
  });

  it("is part of no cycle", () => {
    expect(cyclesIn(imports)).toEqual([]);
  });

  it("leads to a file that exists, with its extension", () => {
    const relative = imports.filter(({ specifier }) => /^[a-z]+\/src\//.test(specifier));
    const gone = relative.filter(({ specifier }) => !files.includes(specifier));
    expect(gone.map(({ from, specifier }) => `${from} -> ${specifier}`)).toEqual([]);
  });
});

describe("the import rule refuses", () => {
  const cases: [name: string, file: string, line: string][] = [
    ["Node in the protocol", "protocol/src/wire.ts", `import { Buffer } from "node:buffer";`],
    ["a store in the core", "server/src/core/hub.ts", `import { x } from "../stores/memory.js";`],
    ["Node in the core", "server/src/core/hub.ts", `import type { X } from "node:http";`],
    [
      "a database in a store",
      "server/src/stores/redis.ts",
      `import { createClient } from "redis";`,
    ],
    ["the hub in a store", "server/src/stores/redis.ts", `import { x } from "../core/hub.js";`],
    ["a framework in an adapter", "server/src/adapters/express.ts", `import e from "express";`],
    ["a value under `type` names", "server/src/adapters/a.ts", `import { type X } from "fastify";`],
    ["a re-export", "server/src/core/hub.ts", `export { x } from "../adapters/node.js";`],
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
    ["anything in no room", "client/src/util.ts", `import { x } from "./core/watch.js";`],
  ];
  it.for(cases)("%s", ([, file, line]) => {
    expect(wrongImports(importsOf(file, line))).toHaveLength(1);
  });

  it("a cycle, through types too", () => {
    const there = importsOf("a/src/a.ts", `import { b } from "./b.js";`);
    const back = importsOf("a/src/b.ts", `import type { A } from "./a.js";`);
    expect(cyclesIn([...there, ...back])).toEqual(["a/src/a.ts -> a/src/b.ts -> a/src/a.ts"]);
  });
});
