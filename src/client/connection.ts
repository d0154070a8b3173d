/**
 * The way to the service: `Hello`, and where it redirects to.
 * @see docs/protocol.md, "What a client does", 1
 * @module
 */
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { unlessAborted } from "../async/waits.ts";
import { DiscoveryError } from "../errors.ts";
import { formatAddress, unmapAddress } from "../net/address.ts";
import { quote } from "../net/quote.ts";
import { Cluster } from "../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import { parseRedirectEndpoint, type ServiceUrl } from "./service-url.ts";

const HELLO_TIMEOUT_MS = 10_000;

/** How many redirects in a row are followed. */
export const MAX_REDIRECTS = 5;

/** A transport that holds a connection may let go of it. */
export interface ClosableTransport extends Transport {
  /** Ends the connection; called once, after the last call. */
  close?(): void;
}

/**
 * How a connection should be kept. Made so that `grpcTransport` itself is a
 * {@link TransportFactory}.
 */
export interface TransportFactoryOptions {
  /** How often to see, in ms, whether the other side still answers on a quiet connection. */
  readonly pingIntervalMs: number;
}

/**
 * Makes the transport of one connection: called for each attempt, also with the target of a
 * redirect.
 *
 * @param baseUrl - `https://host:port` or `http://host:port`.
 */
export type TransportFactory = (
  baseUrl: string,
  options: TransportFactoryOptions,
) => ClosableTransport;

export interface ConnectOptions {
  readonly clusterId: string;
  readonly clientVersion: string;
  readonly transport: TransportFactory;
  readonly pingIntervalMs: number;
  /** Told of each place that is tried. */
  readonly onService: (service: ServiceUrl) => void;
}

/** An answered `Hello`. */
export interface Connection {
  readonly client: Client<typeof Cluster>;
  readonly service: ServiceUrl;
  /** Ours, as the service sees it. */
  readonly publicAddress: string | undefined;
}

/**
 * Says hello to `from` and follows redirects, calls `use` with the service that keeps us, and
 * closes its connection.
 *
 * @throws {DiscoveryError} `ERR_REDIRECT_LOOP` after 5 redirects; `ERR_SERVICE_URL_INVALID` for a
 *   redirect to no place. Else what the call or `use` failed with; `signal.reason` when `signal`
 *   aborts.
 */
export async function connect(
  from: ServiceUrl,
  options: ConnectOptions,
  use: (connection: Connection) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { clusterId, clientVersion, pingIntervalMs } = options;
  let service = from;
  let publicAddress: string | undefined;
  for (let redirects = 0; ; redirects++) {
    signal.throwIfAborted();
    options.onService(service);
    const transport = options.transport(service.baseUrl, { pingIntervalMs });
    try {
      const client = createClient(Cluster, transport);
      const call = client.hello(
        { clusterId, clientVersion },
        { signal, timeoutMs: HELLO_TIMEOUT_MS },
      );
      const hello = await unlessAborted(call, signal);
      publicAddress = readAddress(hello.clientIp) ?? publicAddress;
      const endpoint = hello.redirect?.endpoint ?? "";
      if (endpoint === "") {
        await use({ client, service, publicAddress });
        return;
      }
      if (redirects === MAX_REDIRECTS) {
        throw new DiscoveryError(
          "ERR_REDIRECT_LOOP",
          `${from.baseUrl}: more than ${MAX_REDIRECTS} redirects, the last to ${quote(endpoint)}`,
        );
      }
      service = parseRedirectEndpoint(endpoint, service);
    } finally {
      transport.close?.();
    }
  }
}

/** What a service says of our address is a help, not a need: no address where it is none. */
function readAddress(bytes: Uint8Array): string | undefined {
  try {
    return bytes.length === 0 ? undefined : formatAddress(unmapAddress(bytes));
  } catch {
    return undefined;
  }
}
