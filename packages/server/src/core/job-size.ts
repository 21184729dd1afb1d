import {
  type Fields,
  MAX_JOB_BYTES,
  MAX_JOB_FIELDS,
  ProgressError,
} from "@emlinh/progress-protocol";

/** The size of one job's fields, kept within {@link MAX_JOB_BYTES} and {@link MAX_JOB_FIELDS}. */
export interface JobSize {
  /**
   * Counts a field that is set, instead of its value before.
   *
   * @param bytes - The bytes that the field takes as JSON.
   * @throws ProgressError `too-large` if the job would be too large. Then nothing is counted.
   */
  set(field: string, bytes: number): void;
}

/** The size of a job with these fields. */
export function jobSize(fields: Fields): JobSize {
  const bytesByField = new Map<string, number>();
  let total = 0;

  function count(field: string, bytes: number): void {
    total += bytes - (bytesByField.get(field) ?? 0);
    bytesByField.set(field, bytes);
  }

  // A stored job may be too large already. It may shrink, and end.
  for (const [field, value] of Object.entries(fields))
    count(field, encoder.encode(`${field}${JSON.stringify(value)}`).length + 4);
  return {
    set(field, bytes) {
      const added = bytes - (bytesByField.get(field) ?? 0);
      if (added > 0 && total + added > MAX_JOB_BYTES) throw tooManyBytes(field);
      if (!bytesByField.has(field) && bytesByField.size >= MAX_JOB_FIELDS)
        throw tooManyFields(field);
      count(field, bytes);
    },
  };
}

const encoder = new TextEncoder();

function tooManyBytes(field: string): ProgressError {
  return new ProgressError("too-large", {
    message:
      `With "${field}" the job would take more than ${MAX_JOB_BYTES} bytes of JSON. ` +
      "Store the data elsewhere and report its URL.",
    status: 413,
    details: { field, maxBytes: MAX_JOB_BYTES },
  });
}

function tooManyFields(field: string): ProgressError {
  return new ProgressError("too-large", {
    message:
      `With "${field}" the job would have more than ${MAX_JOB_FIELDS} fields. ` +
      "Use one metadata key for a list, or several jobs.",
    status: 413,
    details: { field, maxFields: MAX_JOB_FIELDS },
  });
}
