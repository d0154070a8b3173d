/**
 * The discovery service on one TCP port: gRPC, gRPC-Web, Connect and pages, over HTTP/2 and
 * HTTP/1.1, with or without TLS.
 * @module
 */
import { compressionGzip } from "@connectrpc/connect-node";
import { MAX_DELAY_MS } from "../async/timers.ts";
import { checkInteger } from "../check.ts";
import type { MemoryBudget } from "../registry/memory-budget.ts";
import { MemoryRegistry } from "../registry/memory-registry.ts";
import type { Registry } from "../registry/registry.ts";
import { createHttpService } from "../server/http-service.ts";
import { Admission } from "../server/limits/admission.ts";
import { BytePacer, type ByteRate, DEFAULT_BYTE_RATE } from "../server/limits/byte-rate.ts";
import { PendingCalls } from "../server/limits/pending-calls.ts";
import type { ProbeRateLimit } from "../server/limits/probe-limit.ts";
import { firstOf, type Pages } from "../server/pages/pages.ts";
import { ServiceHealth } from "../server/pages/service-health.ts";
import { servicePages } from "../server/pages/service-pages.ts";
import { AnswerEncoder } from "../server/rpc/answer-encoder.ts";
import { healthRoutes } from "../server/rpc/health-routes.ts";
import { createProcedures, type ProceduresOptions } from "../server/rpc/procedures.ts";
import { reflectionRoutes } from "../server/rpc/reflection-routes.ts";
import { type HttpServiceOptions, resolveServiceOptions } from "../server/service-options.ts";
import { createGrpcFastPath, GIVES_HTTP2_STREAMS } from "./grpc/fast-path.ts";
import {
  type ConnectionLimits,
  openFileLimit,
  resolveConnectionLimits,
} from "./http/connection-limits.ts";
import { Connections } from "./http/connections.ts";
import { listenOn, reachableHost } from "./http/listening.ts";
import { createOnePortServer } from "./http/one-port-server.ts";
import { Output, type OutputOptions } from "./http/output.ts";
import { RequestGate } from "./http/request-gate.ts";
import { createRequestListener } from "./http/request-listener.ts";
import { type PageServer, type PagesAddress, tryServePages } from "./http/serve-pages.ts";
import { createStreamGate } from "./http/stream-gate.ts";
import { UnsentBytes, type UnsentBytesOptions, type UnsentLimits } from "./http/unsent-bytes.ts";
import { defaultUploadRate } from "./http/upload-limit.ts";
import { guardMemory } from "./memory-guard.ts";
import { createRunningClock } from "./running-clock.ts";
import type { TlsCertificate, TlsCredentials } from "./tls/tls-credentials.ts";
import { openTls, type TlsFiles, type TlsReload } from "./tls/tls-files.ts";

/** Options of {@link serve}. */
export interface ServeOptions extends ProceduresOptions, HttpServiceOptions {
  /**
   * Answers to requests that are no calls. @default `servicePages`: health, statistics, pages for
   * people
   */
  readonly pages?: Pages | undefined;
  /**
   * What the body of `/readyz` tells besides `ok`, such as that saves fail; anybody can read it.
   * @default nothing
   */
  readonly warning?: (() => string | undefined) | undefined;
  /** Further services. @default gRPC's health and reflection */
  readonly routes?: HttpServiceOptions["routes"];
  /** Where the pages are to be had besides, without TLS. @default nowhere */
  readonly landing?: PagesAddress | undefined;
  /** Where `metrics.pages`, then the pages, are to be had, without TLS. @default nowhere */
  readonly metrics?: (PagesAddress & { readonly pages: Pages }) | undefined;
  /**
   * Stays open when the server closes.
   *
   * @default a `MemoryRegistry` with `memory`, by a clock for which no time passes while the
   *   process is stopped; closes with the server
   */
  readonly registry?: Registry | undefined;
  /** Address or name to listen on. @default all addresses, IPv6 and IPv4 */
  readonly host?: string | undefined;
  /** 0 takes any free port. @default 3000 */
  readonly port?: number | undefined;
  /**
   * Serves TLS 1.2 and later, and nothing else on this port. Files are looked at every few seconds,
   * and connections that begin after a change see the new certificate; a bad one changes nothing.
   * @default plaintext
   */
  readonly tls?: TlsCredentials | TlsFiles | undefined;
  /** Told once for each change of the files of `tls`, good or bad. Must not throw. */
  readonly onTlsReload?: ((result: TlsReload) => void) | undefined;
  /**
   * Whether uncompressed calls over HTTP/2 have a way of their own, which costs a fraction and
   * gives the same answers. Without effect on Deno and Bun, whose HTTP/2 differs from Node's.
   * @default true
   */
  readonly fastPath?: boolean | undefined;
  /** How long calls in progress may go on after `close`. @default 10_000 */
  readonly shutdownTimeoutMs?: number | undefined;
  /**
   * How long a TLS handshake may take; also the default of `connections.firstByteTimeoutMs`.
   * @default 10_000
   */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * What connections may cost. Refusals are told to `hooks.onRefused`, except those that HTTP/2
   * itself makes: streams over `maxStreamsPerConnection`, and headers over `maxHeaderBytes`.
   */
  readonly connections?: ConnectionLimits | undefined;
  /**
   * How many bytes of lists and snapshots one client gets per second; what is over waits.
   * @default `DEFAULT_BYTE_RATE`; `false` is no limit
   */
  readonly byteRate?: ByteRate | false | undefined;
  /**
   * How many bytes one client may send, trusted proxies apart. Its connections that send what is
   * over are closed, and it gets new ones when it has waited.
   * @default three times what `rateLimit` calls of the largest size take; `false` is no limit
   */
  readonly uploadRate?: ByteRate | false | undefined;
  /**
   * How many health checks, reflections, pages and unknown methods one client may ask for per
   * second, apart from `rateLimit`. Malformed calls count too, and a connection on which they go on
   * over this limit is closed, unless it is a trusted proxy's. The ports of `landing` and `metrics`
   * have a count of their own. @default false; `DEFAULT_PROBE_RATE_LIMIT` suits most services
   */
  readonly probeRateLimit?: ProbeRateLimit | false | undefined;
  /** How many bytes may wait for their readers. */
  readonly unsent?: UnsentLimits | undefined;
  /** Closes the server. */
  readonly signal?: AbortSignal | undefined;
}

/** A running service. */
export interface DiscoveryServer extends AsyncDisposable {
  /** The address it listens on: `::` for all. */
  readonly host: string;
  readonly port: number;
  /** A service URL for clients on this machine: `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly registry: Registry;
  /**
   * Connections at a time: as configured, or fewer where the process may not open so many files.
   */
  readonly maxConnections: number;
  /** The port of {@link ServeOptions.landing}. */
  readonly landing: PageServer | undefined;
  /** The port of {@link ServeOptions.metrics}. */
  readonly metrics: PageServer | undefined;
  /** The certificate in force; absent without TLS. */
  readonly tls: TlsCertificate | undefined;
  /** Looks at the files of `tls` now, and resolves when a change is in force and told. */
  reloadTls(): Promise<void>;
  /**
   * Stops accepting, ends all watches with status OK, lets calls in progress finish, and closes all
   * connections. Repeated calls wait for the same end.
   */
  close(): Promise<void>;
}

const DEFAULT_PORT = 3000;
const DEFAULT_SHUTDOWN_TIMEOUT_MS = 10_000;
const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;

/**
 * Starts a discovery service.
 *
 * @throws {DiscoveryError} `ERR_LISTEN_FAILED` where the address cannot be had,
 *   `ERR_CERTIFICATE_INVALID` or `ERR_FILE_UNREADABLE` for TLS, `ERR_PREFIX_INVALID` or
 *   `ERR_ADDRESS_INVALID` for a trusted proxy that does not parse.
 * @throws {RangeError} For a port, a time or a limit out of range.
 * @example
 * await using server = await serve({ port: 0 });
 * console.log(server.url);
 */
export async function serve(options: ServeOptions = {}): Promise<DiscoveryServer> {
  const {
    host,
    port = DEFAULT_PORT,
    shutdownTimeoutMs = DEFAULT_SHUTDOWN_TIMEOUT_MS,
    connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS,
    signal,
  } = options;
  checkInteger("port", port, 0, 65_535);
  checkInteger("shutdownTimeoutMs", shutdownTimeoutMs, 0, MAX_DELAY_MS);
  checkInteger("connectTimeoutMs", connectTimeoutMs, 1, MAX_DELAY_MS);
  const limits = resolveConnectionLimits(
    options.connections ?? {},
    connectTimeoutMs,
    openFileLimit(),
  );
  const serviceOptions = resolveServiceOptions(options);
  signal?.throwIfAborted();

  const { registry, closeOwn } =
    options.registry === undefined
      ? createOwnRegistry(options.memory)
      : { registry: options.registry, closeOwn: undefined };
  const procedures = createProcedures(registry, options);
  const health = new ServiceHealth(registry, options.warning);
  const {
    pages = servicePages({ registry, procedures, health }),
    routes = [healthRoutes(health, { ...serviceOptions, procedures }), reflectionRoutes()],
  } = options;
  const { fastPath = true } = options;
  const { memory } = options;
  const encoder = new AnswerEncoder({ memory, allocate: (bytes) => Buffer.allocUnsafeSlow(bytes) });
  const { onRefused } = serviceOptions.hooks;
  const { trustedProxies } = serviceOptions;
  const { maxRequestBytes } = serviceOptions;
  const { maxHeaderBytes } = limits;
  const { uploadRate = defaultUploadRate(options.rateLimit, { maxRequestBytes, maxHeaderBytes }) } =
    options;
  const connections = new Connections({ limits, trustedProxies, memory, onRefused });
  const guard = guardMemory(memory);
  const output = createOutput(options, {
    writeTimeoutMs: limits.writeTimeoutMs,
    isPressed: () => guard.isPressed,
    onOver: () => connections.closeWorst(),
  });
  const admission = new Admission(procedures, options.probeRateLimit);
  const takeStream =
    fastPath && GIVES_HTTP2_STREAMS
      ? createGrpcFastPath(procedures, {
          options: serviceOptions,
          encoder,
          output,
          admission,
          pendingCalls: new PendingCalls(memory),
        })
      : undefined;
  const abilities = { trailers: true, acceptCompression: [compressionGzip], encoder };
  const service = createHttpService(procedures, { ...serviceOptions, pages, routes }, abilities);
  const tls =
    options.tls &&
    (await openTls(options.tls, {
      use: (credentials) => server.replaceTls(credentials),
      onReload: options.onTlsReload,
    }));
  const gate = new RequestGate({ admission, output, memory });
  const areStreamsJudged = takeStream !== undefined;
  const listenerOptions = { ...serviceOptions, output, gate, areStreamsJudged };
  const listener = createRequestListener(service, listenerOptions);
  // The ports that probes ask have buckets of their own: nobody who calls the service may have its
  // probes refused, who may share an address with them behind a proxy of Kubernetes.
  const pageGate = new RequestGate({
    admission: new Admission(procedures, options.probeRateLimit),
    output,
    memory,
  });
  const server = createOnePortServer(listener, {
    tls: tls?.current.credentials,
    connectTimeoutMs,
    limits,
    connections,
    uploadRate,
    takeStream,
    streamGate: createStreamGate(gate, serviceOptions),
    onRefused,
  });

  async function shutDown(): Promise<void> {
    signal?.removeEventListener("abort", onAbort);
    tls?.close();
    health.drain();
    const closed = server.close(shutdownTimeoutMs);
    procedures.endWatches();
    await closed;
    // Until here, so that probes see why nothing else answers.
    await Promise.all(pageServers.map((pageServer) => pageServer.close()));
    connections.close();
    guard.stop();
    await closeOwn?.();
  }
  let closed: Promise<void> | undefined;
  function close(): Promise<void> {
    closed ??= shutDown();
    return closed;
  }
  const pageServers: PageServer[] = [];
  async function openPages(
    at: PagesAddress | undefined,
    own: Pages,
  ): Promise<PageServer | undefined> {
    if (at === undefined) return undefined;
    const pageOptions = { ...serviceOptions, pages: own };
    const pageServer = await tryServePages({ host, ...at }, pageOptions, {
      connections,
      output,
      gate: pageGate,
      firstByteTimeoutMs: limits.firstByteTimeoutMs,
    });
    if (pageServer !== undefined) pageServers.push(pageServer);
    return pageServer;
  }
  // Whoever calls `close` is told of a failure.
  const onAbort = () => void close().catch(() => {});
  const { landing, metrics } = options;
  const [address, landingServer, metricsServer] = await (async () =>
    [
      await listenOn(server.tcp, host, port),
      await openPages(landing, pages),
      await openPages(metrics, metrics === undefined ? pages : firstOf(metrics.pages, pages)),
    ] as const)().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) await close();

  return {
    host: address.address,
    port: address.port,
    url: `${tls === undefined ? "http" : "https"}://${reachableHost(address)}:${address.port}`,
    registry,
    maxConnections: limits.maxConnections,
    landing: landingServer,
    metrics: metricsServer,
    get tls() {
      return tls?.current.certificate;
    },
    reloadTls: async () => tls?.look(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createOutput(
  { byteRate = DEFAULT_BYTE_RATE, unsent, memory }: ServeOptions,
  { onOver, ...rest }: Pick<OutputOptions, "writeTimeoutMs" | "isPressed"> & UnsentBytesOptions,
): Output {
  return new Output({
    unsent: new UnsentBytes(unsent, { memory, onOver }),
    pacer: byteRate === false ? undefined : new BytePacer(byteRate),
    ...rest,
  });
}

/** A registry that the server owns, with its clock. */
function createOwnRegistry(memory: MemoryBudget | undefined): {
  registry: MemoryRegistry;
  closeOwn: () => Promise<void>;
} {
  const clock = createRunningClock();
  const registry = new MemoryRegistry({ now: clock.now, memory });
  return { registry, closeOwn: () => registry.close().finally(clock.stop) };
}
