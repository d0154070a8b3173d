/**
 * What all answers of one server share: who may have how much unsent, and how fast.
 * @module
 */

import type { BytePacer } from "../../server/limits/byte-rate.ts";
import { networkKey } from "../../server/limits/client-address.ts";
import type { Connection } from "./connections.ts";
import { type Outlet, PieceWriter } from "./piece-writer.ts";
import type { UnsentBytes } from "./unsent-bytes.ts";

/** Options of {@link Output}. */
export interface OutputOptions {
  readonly unsent: UnsentBytes;
  /** Absent if there is no limit. */
  readonly pacer: BytePacer | undefined;
  readonly writeTimeoutMs: number;
  /** Whether memory is so short that slow lists and snapshots have to end. @default never */
  readonly isPressed?: (() => boolean) | undefined;
}

/** Makes the writers of one server. */
export class Output {
  readonly unsent: UnsentBytes;
  readonly #pacer: BytePacer | undefined;
  readonly #writeTimeoutMs: number;
  readonly #isPressed: (() => boolean) | undefined;

  constructor({ unsent, pacer, writeTimeoutMs, isPressed }: OutputOptions) {
    this.#isPressed = isPressed;
    this.unsent = unsent;
    this.#pacer = pacer;
    this.#writeTimeoutMs = writeTimeoutMs;
  }

  /**
   * Whether too much is unsent already to take one more call.
   *
   * @param clientIp - Of the caller, 4 or 16 bytes.
   */
  isOver(connection: Connection | undefined, clientIp: Uint8Array | undefined): boolean {
    const { unsent } = this;
    // No client has more than all have: mostly there is nothing to look up.
    const client =
      clientIp === undefined || unsent.bytes <= unsent.perClient ? undefined : networkKey(clientIp);
    return unsent.isOver(connection, client);
  }

  /** Books bytes of lists and snapshots for a client, which may have them so many ms from now. */
  pace(clientIp: Uint8Array | undefined, bytes: number): number {
    if (this.#pacer === undefined || clientIp === undefined) return 0;
    return this.#pacer.book(clientIp, bytes);
  }

  /**
   * Makes the writer of one answer.
   *
   * @param initialWindowBytes - What the reader takes at once in any case.
   * @param onGivenUp - Ends the answer: it takes too long while memory is short.
   */
  writer(
    outlet: Outlet,
    connection: Connection | undefined,
    clientIp: Uint8Array | undefined,
    initialWindowBytes: number,
    onGivenUp: () => void,
  ): PieceWriter {
    return new PieceWriter(outlet, {
      account: this.unsent.open(connection, clientIp && networkKey(clientIp)),
      initialWindowBytes,
      writeTimeoutMs: this.#writeTimeoutMs,
      pace: (bytes) => this.pace(clientIp, bytes),
      isPressed: this.#isPressed,
      onGivenUp,
    });
  }
}
