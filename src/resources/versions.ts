/**
 * Versions count the changes that were seen: 1 at first sight, one more with each change.
 * @module
 */
import { ChangeFeed } from "../async/change-feed.ts";
import type { ResourceDefinition } from "./definitions.ts";
import type { Resource, ResourceEvent, ResourceMetadata } from "./resource.ts";

/** Options of {@link ResourceView}. */
export interface ResourceViewOptions {
  /** Current time in ms since 1970, for `created` and `updated`. Without it neither is set. */
  readonly now?: () => number;
}

/**
 * All resources of one kind as seen so far. It is told the whole state again and again, or one
 * resource at a time, and finds what changed.
 *
 * @example
 * const members = new ResourceView(MEMBERS);
 * for (const { event, resource } of members.replace(membersOf(affiliates))) print(event, resource);
 */
export class ResourceView<Spec extends object> {
  readonly definition: ResourceDefinition<Spec>;
  readonly #now: (() => number) | undefined;
  /**
   * Where they are kept, and told from.
   *
   * @internal
   */
  readonly feed: ChangeFeed<Resource<Spec>>;
  #seenOnce = false;

  constructor(definition: ResourceDefinition<Spec>, options?: ResourceViewOptions);
  /**
   * @param feed - Read together with others.
   * @internal
   */
  constructor(
    definition: ResourceDefinition<Spec>,
    options: ResourceViewOptions,
    feed: ChangeFeed<Resource<Spec>>,
  );
  constructor(
    definition: ResourceDefinition<Spec>,
    options: ResourceViewOptions = {},
    feed: ChangeFeed<Resource<Spec>> = new ChangeFeed(),
  ) {
    this.definition = definition;
    this.#now = options.now;
    this.feed = feed;
  }

  /**
   * Takes `specs` for all that there is now.
   *
   * Equal specs are no change. What comes back after it was gone starts at version 1 again. The
   * first call only has `created` events, without times: what it shows may have been there for
   * long.
   *
   * @param specs - By resource ID. Kept, and never changed.
   * @returns What changed, sorted by resource ID.
   */
  replace(specs: ReadonlyMap<string, Spec>): ResourceEvent<Spec>[] {
    const time = this.#seenOnce && this.#now ? new Date(this.#now()).toISOString() : undefined;
    this.#seenOnce = true;
    const events: ResourceEvent<Spec>[] = [];
    for (const id of this.resources.keys()) {
      const event = specs.has(id) ? undefined : this.delete(id);
      if (event !== undefined) events.push(event);
    }
    for (const [id, spec] of specs) {
      const event = this.#set(id, spec, time);
      if (event !== undefined) events.push(event);
    }
    return events.sort((a, b) => compareIds(a.resource, b.resource));
  }

  /**
   * Adds or replaces one resource. An equal spec is no change.
   *
   * @param spec - Kept, and never changed.
   * @param atMs - When it changed, in ms since 1970; absent for what may have been so for long.
   */
  set(id: string, spec: Spec, atMs?: number): ResourceEvent<Spec> | undefined {
    this.#seenOnce = true;
    return this.#set(id, spec, atMs === undefined ? undefined : new Date(atMs).toISOString());
  }

  /** Takes away one resource. */
  delete(id: string): ResourceEvent<Spec> | undefined {
    const resource = this.resources.get(id);
    if (resource === undefined) return undefined;
    this.feed.delete(id);
    return { event: "destroyed", resource };
  }

  /** Everything that is there now, by ID. Live. */
  get resources(): ReadonlyMap<string, Resource<Spec>> {
    return this.feed.items;
  }

  /** Everything that is there now, sorted by ID. */
  list(): Resource<Spec>[] {
    return [...this.resources.values()].sort(compareIds);
  }

  #set(id: string, spec: Spec, time: string | undefined): ResourceEvent<Spec> | undefined {
    const known = this.resources.get(id);
    if (known !== undefined && isSameSpec(known.spec, spec)) return undefined;
    const resource = { metadata: this.#nextMetadata(id, known?.metadata, time), spec };
    this.feed.set(id, resource);
    return { event: known === undefined ? "created" : "updated", resource };
  }

  #nextMetadata(
    id: string,
    known: ResourceMetadata | undefined,
    time: string | undefined,
  ): ResourceMetadata {
    const created = known === undefined ? time : known.created;
    const updated = time ?? known?.updated;
    return {
      namespace: this.definition.namespace,
      type: this.definition.type,
      id,
      version: (known?.version ?? 0) + 1,
      phase: "running",
      ...(created !== undefined ? { created } : {}),
      ...(updated !== undefined ? { updated } : {}),
    };
  }
}

/** Specs are plain data whose keys always stand in one order, so equal text is equal data. */
export function isSameSpec(a: object, b: object): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** The order of lists: by ID, capitals first. */
export function compareIds(a: Resource<unknown>, b: Resource<unknown>): number {
  if (a.metadata.id === b.metadata.id) return 0;
  return a.metadata.id < b.metadata.id ? -1 : 1;
}
