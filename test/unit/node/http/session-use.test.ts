import { EventEmitter } from "node:events";
import type { ServerHttp2Session } from "node:http2";
import { describe, expect, test } from "vitest";
import { SessionUse } from "../../../../src/node/http/session-use.ts";
import type { RefusalReason } from "../../../../src/server/rpc/refusal-reason.ts";

const LIMITS = {
  firstByteTimeoutMs: 100,
  idleTimeoutMs: 1_000_000,
  pingIntervalMs: 600,
  pingTimeoutMs: 200,
};

/** A session whose peer is played by the test. */
class FakeSession extends EventEmitter {
  closed = false;
  destroyed = false;
  pings = 0;

  /** Answers the last PING. */
  answer: (error: Error | null) => void = () => {};

  ping(onAnswer: (error: Error | null) => void): boolean {
    this.pings++;
    this.answer = onAnswer;
    return true;
  }

  close(): void {
    this.closed = true;
  }
}

class Connection {
  readonly session = new FakeSession();
  readonly use = new SessionUse(this.session as unknown as ServerHttp2Session, 0);
  readBytes = 0;
  writes = { taken: 0, isWaiting: false };
  readonly refusals: RefusalReason[] = [];
  closed: { readonly reason: RefusalReason; readonly at: number } | undefined;
  readonly #limits: typeof LIMITS;
  #now = 0;

  constructor(limits: Partial<typeof LIMITS> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  greet(): this {
    this.session.emit("remoteSettings");
    return this;
  }

  openStream(): EventEmitter {
    const stream = new EventEmitter();
    this.session.emit("stream", stream);
    return stream;
  }

  pass(ms: number, each: () => void = () => {}): this {
    for (let i = 0; i < ms / 10; i++) {
      each();
      this.#now += 10;
      const reason = this.use.look(this.#now, this.#limits, {
        readBytes: this.readBytes,
        writes: this.writes,
        onRefused: (refusal) => this.refusals.push(refusal),
      });
      if (reason !== undefined) this.closed ??= { reason, at: this.#now };
    }
    return this;
  }
}

describe("a silent connection with a watch", () => {
  test("is asked after the interval, and closed if it does not answer", () => {
    const connection = new Connection().greet();
    connection.openStream();
    connection.pass(590);
    expect(connection.session.pings).toBe(0);
    connection.pass(10);
    expect(connection.session.pings).toBe(1);
    connection.pass(190);
    expect(connection.closed).toBeUndefined();
    connection.pass(10);
    expect(connection.closed).toEqual({ reason: "ping_timeout", at: 800 });
  });

  test("stays for good while it answers, or sends anything else", () => {
    const connection = new Connection().greet();
    connection.openStream();
    let answered = 0;
    connection.pass(100_000, () => {
      if (connection.session.pings === answered) return;
      answered = connection.session.pings;
      connection.readBytes += 17;
    });
    expect(answered).toBeGreaterThan(100);
    expect(connection.closed).toBeUndefined();
  });

  test("stays while it answers where the runtime does not count what it reads", () => {
    const connection = new Connection().greet();
    connection.openStream();
    let answered = 0;
    connection.pass(10_000, () => {
      if (connection.session.pings === answered) return;
      answered = connection.session.pings;
      connection.session.answer(null);
    });
    expect(answered).toBeGreaterThan(10);
    expect(connection.closed).toBeUndefined();
    connection.pass(1000, () => connection.session.answer(new Error("the session has ended")));
    expect(connection.closed?.reason).toBe("ping_timeout");
  });

  test("is not asked while its peer sends", () => {
    const connection = new Connection().greet();
    connection.openStream();
    connection.pass(10_000, () => {
      connection.readBytes++;
    });
    expect(connection.session.pings).toBe(0);
  });

  test("is not dead while bytes wait and some are taken", () => {
    const connection = new Connection().greet();
    connection.openStream();
    connection.pass(10_000, () => {
      connection.writes = { taken: connection.writes.taken + 1, isWaiting: true };
    });
    expect(connection.session.pings).toBe(1);
    expect(connection.closed).toBeUndefined();
    // None are taken any more.
    connection.pass(200);
    expect(connection.closed?.reason).toBe("ping_timeout");
  });

  test("is dead though the system still takes what nobody reads", () => {
    const connection = new Connection().greet();
    connection.openStream();
    connection.pass(10_000, () => {
      connection.writes = { taken: connection.writes.taken + 1, isWaiting: false };
    });
    expect(connection.closed).toEqual({ reason: "ping_timeout", at: 800 });
  });
});

describe("a connection without a stream", () => {
  test("is closed if its greeting takes too long", () => {
    const connection = new Connection().pass(100);
    expect(connection.closed).toEqual({ reason: "connection_timeout", at: 100 });
  });

  test("is closed in good order when it was idle for long, counted from its last stream", () => {
    const connection = new Connection({ idleTimeoutMs: 300, pingIntervalMs: 10_000 }).greet();
    const stream = connection.openStream();
    connection.pass(500);
    stream.emit("close");
    connection.pass(300);
    expect(connection.session.closed).toBe(false);
    connection.pass(10);
    expect(connection.session.closed).toBe(true);
    expect(connection.refusals).toEqual(["connection_idle"]);
    expect(connection.closed).toBeUndefined();
  });

  test("whose peer does not close its side after the end is closed", () => {
    const connection = new Connection({ idleTimeoutMs: 300 }).greet();
    connection.pass(310);
    connection.session.emit("close");
    connection.pass(100);
    expect(connection.closed).toBeUndefined();
    connection.pass(10);
    expect(connection.closed?.reason).toBe("connection_timeout");
    expect(connection.refusals).toEqual(["connection_idle"]);
  });
});
