import { expect, test } from "vitest";
import { logLines } from "../../src/pipeline/log-lines.js";
import { VOICES } from "../../src/pipeline/voices.js";

test.each(["vi", "en"] as const)(
  "given the log lines in %s, name voices and versions as users know them",
  (language) => {
    const lines = logLines(language);
    for (const asked of VOICES) {
      const used = VOICES.find((voice) => voice.language !== asked.language) ?? asked;
      const line = lines.otherVoice(asked, used);
      for (const { id, label } of [asked, used]) {
        expect(line).toContain(`“${label[language]}”`);
        if (id.includes("-") || id.includes("+")) expect(line).not.toContain(id);
      }
    }
    expect(lines.begun(2, "5.1.9-0+deb12u1")).toMatch(/ffmpeg 5\.1\.9 /u);
    expect(lines.begun(2, "N-109542-g2e2")).toMatch(/ffmpeg N-109542-g2e2 /u);
  },
);
