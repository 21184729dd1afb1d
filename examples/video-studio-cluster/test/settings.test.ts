import { describe, expect, test } from "vitest";
import { withAddresses } from "../src/launcher/nginx.js";
import { portFrom, settingsFrom } from "../src/settings.js";

describe("settings", () => {
  test("given no variables, are those of one machine with Redis", () => {
    const settings = settingsFrom({});
    expect(settings).toMatchObject({ store: "redis", redisUrl: "redis://127.0.0.1:6379" });
    expect(settings.databaseUrl).toBeUndefined();
    expect(portFrom({})).toBe(3000);
  });

  test("given a lease that ends before BullMQ finds a dead worker, names both values", () => {
    const env = { LEASE_MS: "3000", LOCK_MS: "4000", STALLED_CHECK_MS: "1000" };
    expect(() => settingsFrom(env)).toThrow(/LEASE_MS is 3000; .* LOCK_MS .* 6000/);
  });

  test.each([
    [{ STORE: "mysql" }, /STORE is "mysql"/],
    [{ STORE: "postgres" }, /DATABASE_URL is not set/],
    [{ ATTEMPTS: "0" }, /ATTEMPTS is "0"/],
    [{ LOCK_MS: "soon" }, /LOCK_MS is "soon"/],
  ])("given %j, names the variable and its value", (env, message) => {
    expect(() => settingsFrom(env)).toThrow(message);
  });
});

test("given other addresses, replaces only those in nginx's file", () => {
  const conf = `upstream studio {
  server 127.0.0.1:3001 max_fails=1;
  server 127.0.0.1:3002 max_fails=1;
}
server {
  listen 3000;
}`;
  const servers = ["127.0.0.1:41", "127.0.0.1:42", "127.0.0.1:43"];
  expect(withAddresses(conf, { host: "0.0.0.0", port: 40, servers })).toBe(`upstream studio {
  server 127.0.0.1:41 max_fails=1;
  server 127.0.0.1:42 max_fails=1;
  server 127.0.0.1:43 max_fails=1;
}
server {
  listen 0.0.0.0:40;
}`);
});
