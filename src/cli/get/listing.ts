/**
 * Where the resources of one kind come from.
 * @module
 */
import type { Resource, ResourceDefinition, ResourceEvent } from "../../resources/index.ts";
import type { ReadClusterOptions, WatchClusterOptions } from "../cluster/cluster-discovery.ts";

/** This machine: no registry was asked. */
export const LOCAL_NODE = "localhost";

/** All resources of a kind, to be read once or followed. */
export interface Listing<Spec extends object> {
  readonly definition: ResourceDefinition<Spec>;
  /**
   * Who answers, as Talos names the node: `host:port` of services, names of other registries, with
   * commas.
   */
  readonly node: string;
  /** Sorted by ID. */
  read(options: ReadClusterOptions): Promise<readonly Resource<Spec>[]>;
  /**
   * First everything there is, then what changes; ends with `signal`. Absent where nothing ever
   * changes.
   */
  watch?(options: WatchClusterOptions): AsyncIterable<readonly ResourceEvent<Spec>[]>;
}
