/**
 * A well-behaved node: `Hello` and `List` of its small cluster ten times a second, and an update
 * every half second, which its own watch must receive. Prints a JSON line for each.
 *
 * Calls do not wait for each other, so that a blocked service delays every call that falls into
 * the pause.
 *
 * Arguments: the service's port, and `tls` if it speaks TLS.
 * @module
 */
import { GRPC_OK, GrpcConnection } from "../harness/grpc-connection.ts";
import { GOOD_NODE, GOOD_READER } from "../harness/loopback-address.ts";
import { clusterRequest, updateRequest, watchedAffiliates } from "../harness/messages.ts";

/** Within the rate limit of one address. */
const CALL_INTERVAL_MS = 100;
const CALLS_PER_UPDATE = 5;
const CALL_LIMIT_MS = 10_000;
const CLUSTER = "good";
const MEMBERS = 5;

/** A call, or an update that the watch received. */
export interface GoodEvent {
  readonly did: "Hello" | "List" | "AffiliateUpdate" | "Watch";
  /** In ms since 1970. */
  readonly startedAt: number;
  readonly ms: number;
  /** Absent if the call succeeded. */
  readonly failure?: string;
}

const service = { port: Number(process.argv[2]), tls: process.argv[3] === "tls" };
const node = new GrpcConnection(service, GOOD_NODE);
const reader = new GrpcConnection(service, GOOD_READER);

function now(): number {
  return performance.timeOrigin + performance.now();
}

function report(did: GoodEvent["did"], startedAt: number, failure?: string): void {
  const event: GoodEvent = {
    did,
    startedAt,
    ms: now() - startedAt,
    ...(failure !== undefined && { failure }),
  };
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function call(
  connection: GrpcConnection,
  method: Exclude<GoodEvent["did"], "Watch">,
  message: Uint8Array,
): Promise<void> {
  const startedAt = now();
  const { status, statusText } = await connection.call(method, message, { limitMs: CALL_LIMIT_MS });
  report(method, startedAt, status === GRPC_OK ? undefined : `${status} ${statusText}`);
}

function update(member: number, text: string): Promise<void> {
  const data = Buffer.from(text);
  return call(
    node,
    "AffiliateUpdate",
    updateRequest({ clusterId: CLUSTER, affiliateId: `good-${member}`, data }),
  );
}

/** Start times of the updates that the watch has not received yet. */
const unseen = new Map<string, number>();

for (let member = 0; member < MEMBERS; member++) await update(member, "at first");
const watch = reader.watch(CLUSTER);
watch.onMessage = (message) => {
  for (const { data } of watchedAffiliates(message)) {
    const text = Buffer.from(data).toString();
    const startedAt = unseen.get(text);
    if (startedAt === undefined) continue;
    unseen.delete(text);
    report("Watch", startedAt);
  }
  watch.messages.length = 0;
};
await watch.began();
void watch.ended.then(() => report("Watch", now(), `ended: ${watch.status} ${watch.statusText}`));

let turn = 0;
setInterval(() => {
  void call(node, "Hello", clusterRequest(CLUSTER));
  void call(reader, "List", clusterRequest(CLUSTER));
  turn += 1;
  if (turn % CALLS_PER_UPDATE !== 0) return;
  const text = `turn ${turn}`;
  unseen.set(text, now());
  void update(turn % MEMBERS, text);
}, CALL_INTERVAL_MS);
