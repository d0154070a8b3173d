/**
 * Which affiliate is due next, at almost no cost for those that are refreshed in time.
 *
 * A binary heap whose keys may be too early, never too late. A refresh moves an expiry later and
 * leaves the heap alone; the key is put right when it comes to the top, once per key's time and not
 * once per refresh.
 * @module
 */

/** What an {@link ExpiryQueue} holds. The queue alone writes `queuedAt` and `queuePlace`. */
export interface Expiring {
  /** When there is something to do, in ms of the registry's clock. */
  readonly dueAt: number;
  /** Whether `dueAt` has come, if that is faster to tell than when it is. */
  isDue?(now: number): boolean;
  /** The key: at most `dueAt` while queued. */
  queuedAt: number;
  /** Index in the heap; -1 outside. */
  queuePlace: number;
}

/** Things in the order in which they fall due. */
export class ExpiryQueue<T extends Expiring> {
  readonly #heap: T[] = [];
  /** Kept until something changes, since to read when an item is due is not free. */
  #nextDueAt: number | undefined;

  get size(): number {
    return this.#heap.length;
  }

  /**
   * Adds `item`, or takes note of a changed `dueAt`: O(1) where that moved later, else O(log n).
   *
   * @param dueAt - That of `item`.
   */
  update(item: T, dueAt: number = item.dueAt): void {
    this.#nextDueAt = undefined;
    if (item.queuePlace === -1) {
      item.queuedAt = dueAt;
      this.#heap.push(item);
      this.#siftUp(item, this.#heap.length - 1);
    } else if (dueAt < item.queuedAt) {
      item.queuedAt = dueAt;
      this.#siftUp(item, item.queuePlace);
    }
  }

  /** Takes `item` out, where it is in. */
  remove(item: T): void {
    const place = item.queuePlace;
    if (place === -1) return;
    this.#nextDueAt = undefined;
    item.queuePlace = -1;
    const last = this.#heap.pop() as T;
    if (last === item) return;
    this.#siftUp(last, place);
    this.#siftDown(last, last.queuePlace);
  }

  /** Takes out one item that is due at `now`. */
  takeDue(now: number): T | undefined {
    for (let head = this.#heap[0]; head !== undefined && head.queuedAt <= now; ) {
      if (head.isDue?.(now) ?? head.dueAt <= now) {
        this.remove(head);
        return head;
      }
      head = this.#requeueHead(head);
    }
    return undefined;
  }

  /** When the next item is due; `Infinity` where there is none. */
  nextDueAt(): number {
    if (this.#nextDueAt === undefined) {
      let head = this.#heap[0];
      while (head !== undefined && head.queuedAt < head.dueAt) head = this.#requeueHead(head);
      this.#nextDueAt = head?.queuedAt ?? Number.POSITIVE_INFINITY;
    }
    return this.#nextDueAt;
  }

  clear(): void {
    this.#nextDueAt = undefined;
    for (const item of this.#heap) item.queuePlace = -1;
    this.#heap.length = 0;
  }

  #requeueHead(head: T): T | undefined {
    head.queuedAt = head.dueAt;
    this.#siftDown(head, 0);
    return this.#heap[0];
  }

  /** Places `item` at `from` or above. */
  #siftUp(item: T, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above] as T;
      if (parent.queuedAt <= item.queuedAt) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(item, place);
  }

  /** Places `item` at `from` or below. */
  #siftDown(item: T, from: number): void {
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      let child = this.#heap[below];
      const right = this.#heap[below + 1];
      if (child === undefined) break;
      if (right !== undefined && right.queuedAt < child.queuedAt) {
        child = right;
        below++;
      }
      if (child.queuedAt >= item.queuedAt) break;
      this.#put(child, place);
      place = below;
    }
    this.#put(item, place);
  }

  #put(item: T, place: number): void {
    this.#heap[place] = item;
    item.queuePlace = place;
  }
}
