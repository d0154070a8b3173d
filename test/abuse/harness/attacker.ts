/**
 * An attacker: its connections, which end with the attack, and its pace.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { AttackedService } from "./attacked-service.ts";
import { Http1Peer } from "./http1-peer.ts";
import { Http2Peer, type Http2PeerOptions } from "./http2-peer.ts";
import type { RawPeer, RawPeerOptions } from "./raw-peer.ts";

/** One kind of attack. */
export interface Attack {
  readonly name: string;
  /** All connections of the attacker are closed when it returns. */
  readonly run: (attacker: Attacker) => Promise<void>;
}

/** Options of a peer; the port defaults to that of the service. */
export type PeerOptions<Options extends RawPeerOptions> = Omit<Options, "port"> & {
  readonly port?: number;
};

export class Attacker {
  readonly target: AttackedService;
  /** ID of a cluster that is as large as the protocol allows. */
  readonly fullCluster: string;
  readonly #peers: RawPeer[] = [];

  constructor(target: AttackedService, fullCluster: string) {
    this.target = target;
    this.fullCluster = fullCluster;
  }

  get receivedBytes(): number {
    return this.#peers.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
  }

  async http2(options: PeerOptions<Http2PeerOptions> = {}): Promise<Http2Peer> {
    const peer = await Http2Peer.connect(this.#withTarget(options));
    this.#peers.push(peer);
    return peer;
  }

  async http1(options: PeerOptions<RawPeerOptions> = {}): Promise<Http1Peer> {
    const peer = await Http1Peer.connect(this.#withTarget(options));
    this.#peers.push(peer);
    return peer;
  }

  /** Only the service's port speaks TLS. */
  #withTarget<Options extends RawPeerOptions>(options: PeerOptions<Options>) {
    const { port = this.target.port } = options;
    return { ...options, port, tls: this.target.tls && port === this.target.port };
  }

  /** Keeps its connections open for some time. */
  hold(seconds: number): Promise<void> {
    return sleep(seconds * 1000);
  }

  /** Calls `one` at a fixed rate. */
  async pace(
    perSecond: number,
    seconds: number,
    one: (index: number) => Promise<unknown> | unknown,
  ): Promise<void> {
    const started = performance.now();
    for (let index = 0; index < perSecond * seconds; index++) {
      const leftMs = started + (index / perSecond) * 1000 - performance.now();
      if (leftMs > 0) await sleep(leftMs);
      await one(index);
    }
  }

  /** Sends chunks as fast as the connection takes them; reconnects when the service closes it. */
  async flood(
    seconds: number,
    chunk: (peer: Http2Peer) => Uint8Array,
    options: PeerOptions<Http2PeerOptions> = {},
  ): Promise<void> {
    const end = performance.now() + seconds * 1000;
    let peer: Http2Peer | undefined;
    while (performance.now() < end) {
      if (peer === undefined || peer.isClosed) {
        peer?.close();
        peer = await this.http2(options);
      }
      if (!peer.send(chunk(peer))) await peer.drained();
      // Its answers are read in between.
      await sleep(0);
    }
  }

  /** Closes all its connections. */
  close(): void {
    for (const peer of this.#peers.splice(0)) peer.close();
  }
}
