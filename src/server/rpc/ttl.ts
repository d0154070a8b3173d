/**
 * `google.protobuf.Duration` to milliseconds.
 * @module
 */

/** Seconds and nanoseconds as they stand in a message: any int64 and any int32. */
export interface DurationFields {
  readonly seconds: bigint;
  readonly nanos: number;
}

/**
 * The TTL of a request, in whole ms.
 *
 * @param ttl - Absent is 0. The two fields are added up, whatever their signs and ranges, as Go does.
 * @returns Rounded away from zero, so that a nanosecond over the longest TTL is over it, and one under zero is negative.
 */
export function ttlMsOf(ttl: DurationFields | undefined): number {
  if (ttl === undefined) return 0;
  // Near both limits a double has room for a nanosecond; far from them only the side matters.
  const ttlMs = Number(ttl.seconds) * 1000 + ttl.nanos / 1e6;
  return ttlMs < 0 ? Math.floor(ttlMs) : Math.ceil(ttlMs);
}
