/**
 * The rate limit said plainly: a bucket per client that fills by the millisecond, and a line that is looked at each time.
 * Keeps every client for ever, and takes time to match.
 * @module
 */

export type Fate = "waits" | "goes" | "refused" | "left";

interface NaiveCall {
  readonly client: string;
  fate: Fate;
}

export class NaiveLimiter {
  readonly calls: NaiveCall[] = [];
  readonly #msPerToken: number;
  readonly #burst: number;
  readonly #maxWaitingPerClient: number;
  readonly #maxWaiting: number;
  /** Tokens in ms, so that all numbers are integers. */
  readonly #buckets = new Map<string, number>();

  constructor(msPerToken: number, burst: number, maxWaitingPerClient: number, maxWaiting: number) {
    this.#msPerToken = msPerToken;
    this.#burst = burst;
    this.#maxWaitingPerClient = maxWaitingPerClient;
    this.#maxWaiting = maxWaiting;
  }

  call(client: string, timeoutMs: number | undefined): void {
    const call: NaiveCall = { client, fate: "waits" };
    const ahead = this.#line(client).length;
    const waitMs = (ahead + 1) * this.#msPerToken - this.#bucket(client);
    if (ahead === 0 && waitMs <= 0) call.fate = "goes";
    else if (timeoutMs !== undefined && waitMs > timeoutMs) call.fate = "refused";
    else if (!this.#hasPlace(client)) call.fate = "refused";
    if (call.fate === "goes") this.#buckets.set(client, this.#bucket(client) - this.#msPerToken);
    this.calls.push(call);
  }

  leave(index: number): void {
    const call = this.calls[index];
    if (call?.fate === "waits") call.fate = "left";
  }

  passMs(ms: number): void {
    for (let i = 0; i < ms; i++) {
      for (const client of this.#buckets.keys()) {
        const full = this.#burst * this.#msPerToken;
        this.#buckets.set(client, Math.min(this.#bucket(client) + 1, full));
        const [first] = this.#line(client);
        if (first === undefined || this.#bucket(client) < this.#msPerToken) continue;
        first.fate = "goes";
        this.#buckets.set(client, this.#bucket(client) - this.#msPerToken);
      }
    }
  }

  /** A client that waits, and whose next call would be refused. */
  isFull(client: string): boolean {
    return this.#line(client).length > 0 && !this.#hasPlace(client);
  }

  /** No client has more places than an eighth of those that are free. */
  #hasPlace(client: string): boolean {
    const own = this.#line(client).length;
    const free = this.#maxWaiting - this.calls.filter(({ fate }) => fate === "waits").length;
    return own < this.#maxWaitingPerClient && own < Math.ceil(free / 8);
  }

  #bucket(client: string): number {
    return this.#buckets.get(client) ?? this.#burst * this.#msPerToken;
  }

  #line(client: string): NaiveCall[] {
    return this.calls.filter((call) => call.client === client && call.fate === "waits");
  }
}
