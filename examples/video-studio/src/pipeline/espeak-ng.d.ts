// The package has no types. These are the parts that the studio uses.
declare module "@echogarden/espeak-ng-emscripten" {
  export interface EspeakEvent {
    type: string;
    /** The position in the text, in characters, from 1. */
    text_position: number;
    word_length: number;
    /** Milliseconds since the beginning of the synthesis. */
    audio_position: number;
    id?: string | number;
  }

  export interface EspeakWorker {
    set_voice(name: string, language: string, gender: number, age: number, variant: number): number;
    set_rate(wordsPerMinute: number): void;
    set_pitch(pitch: number): void;
    synthesize(
      text: string,
      /** Returns whether to stop. The samples are a view into the engine's memory. */
      onSound: (
        samples: Int16Array | null | undefined,
        events: readonly EspeakEvent[] | null | undefined,
      ) => boolean,
    ): void;
  }

  const initialize: () => Promise<{
    eSpeakNGWorker: new () => EspeakWorker | Promise<EspeakWorker>;
  }>;
  export default initialize;
}
