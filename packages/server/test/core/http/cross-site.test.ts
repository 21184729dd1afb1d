import { describe, expect, test } from "vitest";
import { makeContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";

useFakeTime();

const TRUSTED = ["https://app.example.com", "http://localhost:5173", "capacitor://localhost"];

/** The status of a POST with these headers, and whether the job was cancelled. */
async function cancelWith(headers: Record<string, string>, method = "POST") {
  const { progress, createJob } = makeContext({ trustedOrigins: TRUSTED });
  const id = await createJob();
  const answer = await progress.handle(requestFacts(`/${id}/cancel`, headers, { method }));
  return { answer, isCancelled: (await progress.status(id))?.cancelRequested };
}

describe("a request that changes a job", () => {
  test.each<[string, Record<string, string>]>([
    ["neither header", { host: "api.example.com" }],
    ["Sec-Fetch-Site: same-origin", { "sec-fetch-site": "same-origin" }],
    ["Sec-Fetch-Site: none", { "sec-fetch-site": "none", origin: "null" }],
    ["Sec-Fetch-Site in upper case", { "sec-fetch-site": " Same-Origin " }],
    [
      "Sec-Fetch-Site: same-origin and a Host that a proxy changed",
      { "sec-fetch-site": "same-origin", origin: "https://example.com", host: "app:3000" },
    ],
    ["its own Origin", { origin: "http://example.com", host: "example.com" }],
    ["its own Origin behind TLS", { origin: "https://example.com", host: "example.com" }],
    ["its own Origin and port", { origin: "http://127.0.0.1:3000", host: "127.0.0.1:3000" }],
    ["the default port in Host", { origin: "https://example.com", host: "example.com:443" }],
    ["the default port in Origin", { origin: "http://example.com:80", host: "example.com" }],
    ["upper case", { origin: "HTTPS://Example.COM", host: "EXAMPLE.com" }],
    ["IPv6", { origin: "http://[::1]:8080", host: "[::1]:8080" }],
    ["IPv6 in another form", { origin: "http://[0:0::1]", host: "[::1]:80" }],
    ["a trusted Origin", { "sec-fetch-site": "cross-site", origin: "https://app.example.com" }],
    ["a trusted Origin in another form", { origin: "HTTPS://APP.example.com:443", host: "x" }],
    [
      "a trusted Origin of the same site",
      { "sec-fetch-site": "same-site", origin: TRUSTED[1] ?? "" },
    ],
    ["the trusted Origin of an app", { origin: "capacitor://localhost", host: "api.example.com" }],
  ])("given %s, is accepted", async (_name, headers) => {
    const { answer, isCancelled } = await cancelWith(headers);
    expect(answer.status).toBe(202);
    expect(isCancelled).toBe(true);
  });

  test.each<[string, Record<string, string>]>([
    ["Sec-Fetch-Site: cross-site", { "sec-fetch-site": "cross-site" }],
    ["Sec-Fetch-Site: same-site", { "sec-fetch-site": "same-site" }],
    ["a Sec-Fetch-Site of the future", { "sec-fetch-site": "other" }],
    ["two values of Sec-Fetch-Site", { "sec-fetch-site": "same-origin, cross-site" }],
    ["an empty Sec-Fetch-Site", { "sec-fetch-site": "" }],
    [
      "Sec-Fetch-Site: cross-site and its own host as Origin",
      { "sec-fetch-site": "cross-site", origin: "https://example.com", host: "example.com" },
    ],
    ["another Origin", { origin: "https://evil.example", host: "example.com" }],
    ["a subdomain", { origin: "https://a.example.com", host: "example.com" }],
    ["another port", { origin: "http://localhost:3001", host: "localhost:3000" }],
    ["the port of the other scheme", { origin: "http://example.com", host: "example.com:443" }],
    ["Origin: null", { origin: "null", host: "null" }],
    ["an empty Origin", { origin: "", host: "" }],
    ["no Host", { origin: "https://example.com" }],
    ["two Origins", { origin: "https://example.com, https://evil.example", host: "example.com" }],
    ["two Hosts", { origin: "https://example.com", host: "example.com, evil.example" }],
    ["an Origin with a path", { origin: "https://example.com/", host: "example.com" }],
    ["an Origin with a user", { origin: "https://x@example.com", host: "example.com" }],
    ["a Host with a user", { origin: "https://example.com", host: "x@example.com" }],
    ["an Origin of an app that is not trusted", { origin: "app://x", host: "x" }],
    ["an Origin that ends like a trusted one", { origin: "https://xapp.example.com", host: "x" }],
    ["a trusted Origin with another scheme", { origin: "http://app.example.com", host: "x" }],
    ["a malformed Origin", { origin: "http://%zz", host: "%zz" }],
    ["the name of a property", { origin: "__proto__", host: "__proto__" }],
  ])("given %s, is refused", async (_name, headers) => {
    const { answer, isCancelled } = await cancelWith(headers);
    expect(answer.status).toBe(403);
    expect(bodyOf(answer)).toMatchObject({ code: "cross-site" });
    expect(isCancelled).toBe(false);
  });

  test.each([
    ["/a/cancel", "POST"],
    ["/a", "DELETE"],
    ["/cleanup", "POST"],
  ])("given %s with %s from another site, is refused before authorize", async (path, method) => {
    let calls = 0;
    const authorize = () => {
      calls += 1;
      return true;
    };
    const { progress } = makeContext({ authorize });
    const headers = { "sec-fetch-site": "cross-site" };
    const answer = await progress.handle(requestFacts(path, headers, { method }));
    expect(bodyOf(answer)).toMatchObject({ code: "cross-site" });
    expect(calls).toBe(0);
  });
});

describe("a request that reads a job", () => {
  test.each(["GET", "HEAD"])("given %s from another site, is accepted", async (method) => {
    const { progress, createJob } = makeContext();
    const headers = { "sec-fetch-site": "cross-site", origin: "null" };
    const answer = await progress.handle(
      requestFacts(`/${await createJob()}`, headers, { method }),
    );
    expect(answer.status).toBe(200);
  });
});
