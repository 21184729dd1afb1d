/** The numbers of a job's record in their order (see `lua/record.ts` of the Redis store). */
const NUMBERS = [
  "version",
  "lastLine",
  "lastLineVersion",
  "attempt",
  "stale",
  "leaseUntil",
  "leaseMs",
  "deadlineAt",
  "writtenAt",
  "endedAt",
  "updatedAt",
  "indexedAt",
  "expiresAt",
  "heldSince",
  "heldCount",
] as const;
const EPOCH_AT = NUMBERS.length * 8;
const TOKEN_AT = EPOCH_AT + 24;

/** A job's record. */
export interface RedisRecord extends Readonly<Record<(typeof NUMBERS)[number], number>> {
  readonly epoch: string;
  readonly heldBy: string;
}

/** The record as it is stored. Numbers that are absent are 0. */
export function packRecord({ epoch = "", heldBy = "", ...numbers }: Partial<RedisRecord>): Buffer {
  const bytes = Buffer.alloc(TOKEN_AT);
  for (const [index, name] of NUMBERS.entries()) bytes.writeDoubleBE(numbers[name] ?? 0, index * 8);
  bytes.write(epoch, EPOCH_AT);
  return Buffer.concat([bytes, Buffer.from(heldBy)]);
}

/** Reads a stored record. */
export function unpackRecord(bytes: Buffer): RedisRecord {
  const numbers = NUMBERS.map((name, index) => [name, bytes.readDoubleBE(index * 8)] as const);
  return {
    ...(Object.fromEntries(numbers) as Record<(typeof NUMBERS)[number], number>),
    epoch: bytes.toString("utf8", EPOCH_AT, TOKEN_AT),
    heldBy: bytes.toString("utf8", TOKEN_AT),
  };
}
