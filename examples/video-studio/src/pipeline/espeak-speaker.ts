// eSpeak NG has the licence GPL-3.0. Only this file imports it, and only the worker process of this private example
// imports this file: neither the server nor the libraries do.
import initializeEspeak, { type EspeakEvent } from "@echogarden/espeak-ng-emscripten";
import { VideoError } from "./errors.js";
import type { Speaker } from "./speaker.js";
import { findVoice } from "./voices.js";

const SAMPLE_RATE = 22_050;
const PITCH = 54;

/** Starts the speech engine, which takes about a fifth of a second. */
export async function espeakSpeaker(): Promise<Speaker> {
  const { eSpeakNGWorker } = await initializeEspeak();
  const engine = await new eSpeakNGWorker();

  return {
    sampleRate: SAMPLE_RATE,
    speak(text, { voice, rate, maxMs }) {
      // For an unknown name the engine uses another voice without an error.
      if (!findVoice(voice))
        throw new VideoError("unknown-voice", "The voice is not one of the voices offered.");
      engine.set_voice(voice, "", 0, 0, 0);
      engine.set_rate(rate);
      engine.set_pitch(PITCH);
      const chunks: Int16Array[] = [];
      const events: EspeakEvent[] = [];
      let length = 0;
      engine.synthesize(text, (samples, more) => {
        // Copied, because the chunk is a view of memory that the engine overwrites.
        if (samples && samples.length > 0) chunks.push(Int16Array.from(samples));
        if (more) events.push(...more.map((event) => ({ ...event })));
        length += samples?.length ?? 0;
        return (length / SAMPLE_RATE) * 1000 > maxMs;
      });
      if (length === 0)
        throw new VideoError(
          "speech-failed",
          "The speech engine returned no sound for a line of the script.",
        );
      return {
        samples: join(chunks, length),
        words: wordsOf(events),
        phonemes: phonemesOf(events),
      };
    },
  };
}

function join(chunks: readonly Int16Array[], length: number): Int16Array {
  const all = new Int16Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}

function wordsOf(events: readonly EspeakEvent[]): { atMs: number; textIndex: number }[] {
  const words = events.filter((event) => event.type === "word");
  return words.map((event) => ({ atMs: event.audio_position, textIndex: event.text_position - 1 }));
}

function phonemesOf(events: readonly EspeakEvent[]): { atMs: number; text: string }[] {
  const phonemes = events.filter((event) => event.type === "phoneme");
  return phonemes.map((event) => ({
    atMs: event.audio_position,
    text: typeof event.id === "string" ? event.id : "",
  }));
}
