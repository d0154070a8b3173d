/**
 * Who looks on as a client works, from within this package: all calls come at once, before anybody
 * who awaits is told.
 * @module
 */

/** Told by a `DiscoveryClient`, as far as it listens. Must not throw. */
export interface ClientObserver {
  /** A snapshot, or a further part of one, is taken in: `affiliates` has what the service lists. */
  readonly onSnapshot?: () => void;
  /** A change of one affiliate after the snapshot is taken in. */
  readonly onChange?: (nodeId: string) => void;
  /** A watch has ended, well or badly. */
  readonly onDisconnect?: () => void;
  /** `status` is another. */
  readonly onStatus?: () => void;
}
