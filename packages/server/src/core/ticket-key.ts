/** Signs and checks with one secret, by HMAC-SHA-256. */
export interface TicketKey {
  sign(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  /** Compares in constant time, so that the time says nothing about the right signature. */
  verify(signature: Uint8Array<ArrayBuffer>, data: Uint8Array<ArrayBuffer>): Promise<boolean>;
}

/** The length of a signature. */
export const SIGNATURE_BYTES = 32;

const HMAC = { name: "HMAC", hash: "SHA-256" } as const;

/** Makes a key that can't be read back. WebCrypto imports it at its first use. */
export function ticketKey(secret: Uint8Array<ArrayBuffer>): TicketKey {
  let importing: Promise<CryptoKey> | undefined;
  const key = (): Promise<CryptoKey> => {
    importing ??= crypto.subtle.importKey("raw", secret, HMAC, false, ["sign", "verify"]);
    return importing;
  };
  return {
    sign: async (data) => new Uint8Array(await crypto.subtle.sign(HMAC.name, await key(), data)),
    verify: async (signature, data) =>
      crypto.subtle.verify(HMAC.name, await key(), signature, data),
  };
}
