/**
 * What the page knows of a cluster. No DOM: runs anywhere that has `fetch`.
 */
import {
  createAffiliateSpec,
  DiscoveryClient,
  type DiscoveryError,
  generateNodeId,
  type MemberSpec,
  membersOf,
} from "talos-discovery";
import { grpcWebTransport } from "talos-discovery/web";

export interface WatchMembersOptions {
  readonly service: string;
  readonly clusterId: string;
  /** Stays here: what the service sends is opened in the page. */
  readonly clusterSecret: string;
  readonly onFailure: (error: DiscoveryError) => void;
  readonly signal: AbortSignal;
}

/** Gives all members by name, at first and after each change. */
export async function* watchMembers({
  service,
  clusterId,
  clusterSecret,
  onFailure,
  signal,
}: WatchMembersOptions): AsyncGenerator<ReadonlyMap<string, MemberSpec>, void, undefined> {
  const client = new DiscoveryClient({
    service,
    transport: grpcWebTransport,
    clusterId,
    clusterSecret,
    nodeId: generateNodeId(), // of nobody: we publish nothing, and only look
    onRetry: onFailure,
  });
  const running = client.run({ signal });
  for await (const _ of client.watch({ signal })) {
    yield membersOf([...client.affiliates.values()].map(createAffiliateSpec));
  }
  await running;
}
