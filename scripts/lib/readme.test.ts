import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, ROOT)), "utf8");

const examples = readdirSync(new URL("examples/", ROOT)).map(
  (name) => `examples/${name}/README.md`,
);
const readmes = ["README.md", ...examples].filter((path) => existsSync(new URL(path, ROOT)));
const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: object };

/** The commands of a document: lines of its shell blocks, and code in its text. */
function commandsOf(markdown: string): readonly string[] {
  const blocks = [...markdown.matchAll(/```sh\n(.*?)```/gsu)].flatMap(([, code = ""]) =>
    code.split("\n"),
  );
  const inline = [...markdown.replace(/```.*?```/gsu, "").matchAll(/`([^`]+)`/gu)];
  return [...blocks, ...inline.map(([, code = ""]) => code)].map((line) =>
    line
      .trim()
      .replace(/\s+/gu, " ")
      .replace(/^([A-Z_]+=\S+ )+/u, ""),
  );
}

test.each(readmes)("given the commands of %s, needs only npm and scripts that exist", (path) => {
  const commands = commandsOf(read(path));
  expect(commands.filter((command) => /^(pnpm|npx|yarn)\b/u.test(command))).toEqual([]);
  const named = commands
    .map((command) => /^npm (?:run )?(\S+)/u.exec(command)?.[1])
    .filter((name) => name !== undefined && name !== "install");
  for (const name of named) expect(scripts).toHaveProperty([name ?? ""]);
});

test("given the script of the root that starts the cluster, is in the cluster's README", () => {
  expect(commandsOf(read("examples/video-studio-cluster/README.md"))).toContainEqual(
    expect.stringMatching(/^npm run start:cluster\b/u),
  );
});
