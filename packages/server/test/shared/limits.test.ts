import fc from "fast-check";
import { expect, test } from "vitest";
import { cutText } from "../../src/shared/limits.js";

const MAX_TEXT = 4096;

test("given any text, cutText returns at most 4096 characters and does not change short texts", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "é", "😀", "\n")), fc.nat(9), (end, short) => {
      const text = "x".repeat(MAX_TEXT - short) + end.join("");
      const cut = cutText(text);
      expect(cut.length).toBeLessThanOrEqual(MAX_TEXT);
      if (text.length <= MAX_TEXT) expect(cut).toBe(text);
      // It throws for half of a surrogate pair.
      expect(() => encodeURIComponent(cut)).not.toThrow();
    }),
  );
});
