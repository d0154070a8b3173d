/**
 * Whether a node that was deleted comes back, watched for as long as somebody likes to wait.
 * @module
 */

import { sleep } from "../../async/timers.ts";
import { unlessAborted } from "../../async/waits.ts";
import type { WatchResponse } from "../../protocol/index.ts";
import { CommandFailure } from "../exit.ts";

/** When to watch again where a service restarts, or a proxy has cut what took too long for it. */
const RETRY_MS = 500;

type Changes = AsyncIterator<WatchResponse>;

/** What {@link watchReturn} is made from. */
export interface WatchReturnOptions {
  readonly nodeId: string;
  /** Whether it was seen to be gone. */
  readonly isDeleted: boolean;
  /** Opens another watch on a connection of its own, and closes it when `use` has ended. */
  readonly reopen: (use: (changes: Changes) => Promise<void>) => Promise<void>;
  readonly signal: AbortSignal;
}

/** A watch for one node. */
export interface ReturnWatch {
  /** Resolves when the node has come back. Rejects with `signal.reason`. */
  readonly returned: Promise<void>;
  /** Whether the service is watched right now, and has said all since the deletion that matters. */
  readonly isWatching: () => boolean;
}

/** Watches for a node's return, beginning with a watch that saw its deletion, and again with others where that one ends. */
export function watchReturn(
  first: Changes,
  { nodeId, isDeleted, reopen, signal }: WatchReturnOptions,
): ReturnWatch {
  let isGone = isDeleted;
  let isWatching = true;

  async function untilItReturns(changes: Changes): Promise<void> {
    for (;;) {
      const { done, value } = await unlessAborted(changes.next(), signal);
      if (done) throw new CommandFailure("the service ended the watch");
      isWatching = true;
      if (!value.affiliates.some(({ id }) => id === nodeId)) continue;
      if (value.deleted) isGone = true;
      else if (isGone) return;
    }
  }

  async function follow(): Promise<void> {
    let attempt = untilItReturns(first);
    for (;;) {
      try {
        return await attempt;
      } catch {
        isWatching = false;
      }
      await sleep(RETRY_MS, signal);
      attempt = reopen(untilItReturns);
    }
  }

  return { returned: follow(), isWatching: () => isWatching };
}
