/**
 * A cluster for who replaces something by what it reads: never by less than is known, because a registry is down.
 * @module
 */
import { Discovery, type DiscoveryState } from "../../discovery/index.ts";
import type { ClusterAccess } from "../cluster-access.ts";
import { settled, tellRetry, type WatchClusterOptions } from "../cluster-discovery.ts";
import { openRegistries } from "../cluster-registries.ts";
import { DropSummary } from "../drop-summary.ts";

/** How long registries that do not answer keep the others waiting. */
const PATIENCE_MS = 10_000;

/**
 * Follows a cluster until `signal` aborts or the loop is left; both free everything. Registries that fail are notices, and
 * what they had told stays.
 *
 * The first state comes when every registry has answered or failed, and not while nothing that is there opens with the
 * secret: a wrong secret is no empty cluster. A slow reader gets the latest state.
 */
export async function* followCluster(
  access: ClusterAccess,
  { signal, onNotice }: WatchClusterOptions,
): AsyncGenerator<DiscoveryState, void, undefined> {
  const drops = new DropSummary();
  let isTold = false;
  const tell = (line: string | undefined) => {
    if (line !== undefined) onNotice(line);
  };
  const registries = await openRegistries(access, {
    onNotice,
    // Before the first state they are counted, not told one by one.
    onDrop: (report) => {
      const line = drops.add(report);
      if (isTold) tell(line);
    },
    onRetry: tellRetry(onNotice),
  });
  await using discovery = new Discovery({ registries });
  const ended = new AbortController();
  const running = discovery.run({ signal: ended.signal });
  let isUsable = false;
  try {
    const settling = settled(
      discovery,
      AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
    );
    for await (const change of discovery.watch({ signal })) {
      if (change.kind === "status") continue;
      await settling;
      const { size } = change.state.affiliates;
      const dropped = drops.summary(size);
      if (!isTold) tell(dropped);
      isTold = true;
      isUsable ||= size > 0 || dropped === undefined;
      if (isUsable && !signal.aborted) yield change.state;
    }
  } finally {
    ended.abort();
    await running;
  }
}
