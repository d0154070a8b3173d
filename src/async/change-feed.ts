/**
 * A collection, and what each of its readers has yet to hear of.
 * @module
 */
import { type SignalOptions, Wakeup } from "./waits.ts";

/**
 * The changes of a collection that one reader has not taken yet: what changed, and what it was when
 * this reader last heard.
 *
 * Not a queue: its memory is bounded by the collection, however slow the reader is, which is told
 * the latest state of each.
 */
export class UnreadChanges<T> {
  /** In the order of the first change; `undefined` for what the reader does not know. */
  readonly #before = new Map<string, T | undefined>();

  /**
   * @param before - What it was; `undefined` for nothing.
   * @param after - What it is now; `undefined` for nothing.
   */
  mark(id: string, before: T | undefined, after: T | undefined): void {
    if (!this.#before.has(id)) this.#before.set(id, before);
    // Came and went unseen: nothing to tell, and nothing to hold.
    else if (after === undefined && this.#before.get(id) === undefined) this.#before.delete(id);
  }

  /**
   * One by one, the first change first; each is taken when it comes. What is gone now was known
   * before.
   */
  *take(): Generator<readonly [id: string, before: T | undefined], void, undefined> {
    for (const change of this.#before) {
      this.#before.delete(change[0]);
      yield change;
    }
  }
}

/** Takes what one reader has not heard of a feed, as {@link UnreadChanges.take}. */
export type TakeUnread = <T>(
  feed: ChangeFeed<T>,
) => Iterable<readonly [id: string, before: T | undefined]>;

/** How one reader is told: each function gives its next step, `undefined` if there is none. */
export interface FeedTelling<Step> {
  /** News beside the collections, such as a status: told first, also before the snapshot. */
  readonly news?: (() => Step | undefined) | undefined;
  /** Everything there is: told once, when the feeds have started. */
  readonly snapshot: () => Step;
  /** What changed since the last step. */
  readonly changes: (take: TakeUnread) => Step | undefined;
}

interface Reader {
  readonly unread: Map<ChangeFeed<unknown>, UnreadChanges<unknown>>;
  readonly wakeup: Wakeup;
  hasSnapshot: boolean;
}

/** Those who read one feed, or several that belong together. */
export class FeedReaders {
  readonly #readers = new Set<Reader>();
  #hasStarted = false;

  /** Lets readers have their snapshot. Later calls only wake them. */
  start(): void {
    this.#hasStarted = true;
    this.wake();
  }

  /** There is news for all. */
  wake(): void {
    for (const { wakeup } of this.#readers) wakeup.notify();
  }

  /** Marks a change for each reader that has had its snapshot, and wakes all. */
  mark<T>(feed: ChangeFeed<T>, id: string, before: T | undefined, after: T | undefined): void {
    for (const reader of this.#readers) {
      if (!reader.hasSnapshot) continue;
      unreadOf(reader, feed).mark(id, before, after);
      reader.wakeup.notify();
    }
  }

  /**
   * What `tell` says, step by step. A slow reader gets the latest state of each item.
   *
   * @param options - `signal` ends the iteration, without an error.
   */
  async *watch<Step>(
    tell: FeedTelling<Step>,
    { signal = new AbortController().signal }: SignalOptions = {},
  ): AsyncGenerator<Step, void, undefined> {
    const reader: Reader = { unread: new Map(), wakeup: new Wakeup(), hasSnapshot: false };
    const take: TakeUnread = (feed) => unreadOf(reader, feed).take();
    this.#readers.add(reader);
    try {
      while (!signal.aborted) {
        const step = tell.news?.() ?? this.#nextOf(reader, tell, take);
        if (step === undefined) await reader.wakeup.wait(signal);
        else yield step;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#readers.delete(reader);
    }
  }

  #nextOf<Step>(reader: Reader, tell: FeedTelling<Step>, take: TakeUnread): Step | undefined {
    if (reader.hasSnapshot) return tell.changes(take);
    if (!this.#hasStarted) return undefined;
    reader.hasSnapshot = true;
    return tell.snapshot();
  }
}

function unreadOf<T>({ unread }: Reader, feed: ChangeFeed<T>): UnreadChanges<T> {
  // The entry of a feed has the type of its items.
  const known = unread.get(feed) as UnreadChanges<T> | undefined;
  if (known !== undefined) return known;
  const changes = new UnreadChanges<T>();
  unread.set(feed, changes);
  return changes;
}

/** How a reader of one feed is told: as {@link FeedTelling}, change by change. */
export interface ItemTelling<T, Step> extends Pick<FeedTelling<Step>, "news" | "snapshot"> {
  /** `item` is `undefined` if it is gone. */
  readonly change: (id: string, item: T | undefined) => Step;
}

/**
 * Items by ID, each change of which is told to readers.
 *
 * @example
 * const feed = new ChangeFeed<string>();
 * feed.readers.start();
 * feed.set("a", "1");
 */
export class ChangeFeed<T> {
  /** Shared by feeds that are read together. */
  readonly readers: FeedReaders;
  readonly #items = new Map<string, T>();

  /**
   * @param readers - Of several feeds that are read together. @default readers of this feed alone
   */
  constructor(readers: FeedReaders = new FeedReaders()) {
    this.readers = readers;
  }

  /** By ID; live. */
  get items(): ReadonlyMap<string, T> {
    return this.#items;
  }

  /** Adds or replaces. @returns Whether that was a change: the same object again is none. */
  set(id: string, item: T): boolean {
    const before = this.#items.get(id);
    if (before === item) return false;
    this.#items.set(id, item);
    this.readers.mark(this, id, before, item);
    return true;
  }

  /** @returns Whether there was one. */
  delete(id: string): boolean {
    const before = this.#items.get(id);
    if (!this.#items.delete(id)) return false;
    this.readers.mark(this, id, before, undefined);
    return true;
  }

  /** As {@link FeedReaders.watch}, one changed item at a time. */
  watch<Step>(
    { news, snapshot, change }: ItemTelling<T, Step>,
    options?: SignalOptions,
  ): AsyncGenerator<Step, void, undefined> {
    const changes = (take: TakeUnread) => {
      for (const [id] of take(this)) return change(id, this.#items.get(id));
      return undefined;
    };
    return this.readers.watch({ news, snapshot, changes }, options);
  }
}
