import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withoutOutsideLinks } from "../../scripts/lib/package-files.mjs";
import { root, run } from "./command.js";
import { packPublished } from "./pack.js";
import { manifestOf, type Published, published } from "./packages.js";

/** Bytes of the tarballs. Most of the server's are the bundles of CommonJS, each of which is complete. */
const MAX_BYTES: Record<Published, number> = { server: 540_000, client: 195_000 };

const PAGES = readdirSync(`${root}docs`).filter((name) => name.endsWith(".md"));

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "progress-contents-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.for(published)("the tarball of %s", (name) => {
  let tarball = "";
  let files: readonly string[] = [];
  const at = (file: string) => join(folder, name, "package", file);
  const textOf = (file: string) => readFileSync(at(file), "utf8");

  beforeAll(async () => {
    mkdirSync(join(folder, name));
    tarball = await packPublished(name, folder);
    await run("tar", ["-xzf", tarball, "-C", join(folder, name)]);
    files = readdirSync(at("."), { recursive: true, encoding: "utf8" });
  });

  it("has the license of the repository", () => {
    expect(textOf("LICENSE")).toBe(readFileSync(`${root}LICENSE`, "utf8"));
    expect(textOf("LICENSE")).toMatch(/^MIT License\n\nCopyright \(c\) 2026 /);
  });

  it("has every page of docs/ that is for users, as it is in the repository", () => {
    for (const page of PAGES) {
      const source = readFileSync(`${root}docs/${page}`, "utf8");
      expect(textOf(join("docs", page))).toBe(withoutOutsideLinks(source));
    }
  });

  it("has no source map, and no comment that names one", () => {
    expect(files.filter((file) => file.endsWith(".map"))).toEqual([]);
    const scripts = files.filter((file) => /\.c?js$/.test(file));
    expect(scripts.length).toBeGreaterThan(0);
    expect(scripts.filter((file) => textOf(file).includes("sourceMappingURL="))).toEqual([]);
  });

  it("is small", () => {
    expect(statSync(tarball).size).toBeLessThanOrEqual(MAX_BYTES[name]);
  });

  it("has every file that its README and its pages name or link to", () => {
    const pages = files.filter((file) => file.endsWith(".md"));
    expect(pages).toContain("README.md");
    const missing = pages.flatMap((page) =>
      placesNamedBy(page).filter((place) => !existsSync(at(place))),
    );
    expect(missing).toEqual([]);
  });

  it("has no link to a heading that does not exist", () => {
    const pages = files.filter((file) => file.endsWith(".md"));
    const dead = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)]
        .filter(([, path, anchor]) => {
          const target = path ? join(dirname(page), path) : page;
          return !existsSync(at(target)) || !anchorsOf(textOf(target)).includes(anchor ?? "");
        })
        .map(([link]) => `${page}: ${link}`),
    );
    expect(dead).toEqual([]);
  });

  /** The files of the package that a page links to, by path or through a CDN, and in a README those that it names. */
  function placesNamedBy(page: string): string[] {
    const text = textOf(page);
    const cdn = new RegExp(`^https://[^/]+/(?:npm/)?${manifestOf(name).name}/(?=[^#])`);
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].flatMap(([, link = ""]) => {
      if (cdn.test(link)) return [link.replace(cdn, "")];
      return /^(https?:|#)/.test(link) ? [] : [join(dirname(page), link.replace(/#.*/, ""))];
    });
    if (page !== "README.md") return links;
    return [...links, ...[...text.matchAll(/`(docs\/[^`]+)`/g)].map(([, path = ""]) => path)];
  }
});

/** The anchors of the headings of a page, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
