/**
 * What a registry tells of its work to whoever counts it. Observers only observe, and must not throw.
 * @module
 */

/** How much has expired at once. */
export interface Swept {
  /** Those that have gone with their last affiliate. */
  readonly clusters: number;
  readonly affiliates: number;
  /** Those of affiliates that have gone, and those that have expired one by one. */
  readonly endpoints: number;
}

/** Callbacks of a registry, which cost nothing where absent. */
export interface RegistryObservers {
  /** Told each time that something has expired. */
  readonly onSweep?: ((swept: Swept) => void) | undefined;
  /**
   * Told of each message to a watcher after its snapshot: for how long the oldest change in it had waited, in ms. More than
   * a moment means that the watcher reads slowly.
   */
  readonly onWatchLag?: ((lagMs: number) => void) | undefined;
}

/** Measures how long changes wait for their watchers. */
export interface LagMeter {
  readonly now: () => number;
  readonly onWatchLag: (lagMs: number) => void;
}
