/**
 * The open connections of a server.
 * @module
 */

/** One request and its answer on a connection. */
export interface Exchange {
  /** Bytes handed to the stream or socket that its reader has not taken yet. */
  readonly unsentBytes: number;
  /** Grows whenever bytes are seen to be taken. */
  readonly takenBytes: number;
  /** Ends the exchange: its reader takes nothing. */
  reset(): void;
}

export interface Connection {
  readonly client: string | undefined;
  unsentBytes: number;
  connectStreams: number;
  add(exchange: Exchange): void;
  delete(exchange: Exchange): void;
  destroy(): void;
}

export function connectionOf(_socket: object): Connection | undefined {
  return undefined;
}
