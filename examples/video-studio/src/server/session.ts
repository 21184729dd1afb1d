import { createHash, randomBytes } from "node:crypto";
import type { RequestHandler } from "express";
import type { SessionReply } from "../shared/session.js";

const COOKIE = "studio_session";
/** 128 random bits. */
const SECRET = /^[0-9a-f]{32}$/;
/** The longest time for which browsers keep a cookie: 400 days. Each visit renews it. */
const KEPT_MS = 400 * 24 * 3_600_000;

/** Answers with the session of this browser, and gives it one if it has none. */
export function sendSession(): RequestHandler {
  return (req, res) => {
    const secret = secretIn(req.headers.cookie) ?? randomBytes(16).toString("hex");
    const reply: SessionReply = { id: idOf(secret) };
    res
      .cookie(COOKIE, secret, {
        httpOnly: true,
        sameSite: "lax",
        secure: req.secure,
        maxAge: KEPT_MS,
      })
      .set("Cache-Control", "no-store")
      .json(reply);
  };
}

/** The session that a request belongs to, by its header `Cookie`. `undefined` if it has none. */
export function sessionOf(cookies: string | undefined): string | undefined {
  const secret = secretIn(cookies);
  return secret === undefined ? undefined : idOf(secret);
}

function secretIn(cookies = ""): string | undefined {
  const pairs = cookies.split(";").map((pair) => pair.trim().split("="));
  return pairs.find(([name, value = ""]) => name === COOKIE && SECRET.test(value))?.[1];
}

/** Addresses contain the id, so it must not reveal the cookie. */
function idOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex").slice(0, 32);
}
