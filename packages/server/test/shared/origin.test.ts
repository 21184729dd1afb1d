import { describe, expect, test } from "vitest";
import { isOriginOf, normalOrigin } from "../../src/shared/origin.js";

describe("normalOrigin", () => {
  test.each([
    ["https://example.com", "https://example.com"],
    ["HTTPS://EXAMPLE.com:443", "https://example.com"],
    ["http://example.com:80", "http://example.com"],
    ["http://example.com:443", "http://example.com:443"],
    ["https://b\u00fccher.example", "https://xn--bcher-kva.example"],
    ["http://[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000"],
    ["capacitor://LocalHost", "capacitor://localhost"],
    ["null", undefined],
    ["file:///x", undefined],
    ["javascript:alert(1)", undefined],
    ["https://example.com/", undefined],
    ["https://example.com:port", undefined],
  ])("given %s, returns %s", (text, expected) => {
    expect(normalOrigin(text)).toBe(expected);
  });
});

describe("isOriginOf", () => {
  test.each([
    ["https://example.com", "example.com", true],
    ["https://example.com", "EXAMPLE.com:443", true],
    ["http://example.com", "example.com:443", false],
    ["https://example.com", "example.com.", false],
    ["https://example.com", "example.com:443:80", false],
    ["https://example.com", "", false],
    ["https://example.com", undefined, false],
    ["http://[::1]", "[::1]", true],
    ["http://[::1]", "::1", false],
  ])("given the origin %s and the host %s, is %s", (origin, host, expected) => {
    expect(isOriginOf(origin, host)).toBe(expected);
  });
});
