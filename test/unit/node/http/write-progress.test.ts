import { describe, expect, test } from "vitest";
import {
  type Exchange,
  type SocketWrites,
  WriteProgress,
} from "../../../../src/node/http/write-progress.ts";

const TIMEOUT_MS = 60;

/** An exchange whose reader is played by the test. */
class FakeExchange implements Exchange {
  unsentBytes: number;
  takenBytes = 0;
  resets = 0;

  constructor(unsentBytes: number) {
    this.unsentBytes = unsentBytes;
  }

  take(bytes: number): void {
    this.takenBytes += bytes;
    this.unsentBytes -= bytes;
  }

  reset(): void {
    this.resets++;
  }
}

/** A connection that is looked at every 10 ms. */
class Connection {
  readonly progress = new WriteProgress(0);
  socket: SocketWrites = { taken: 0, isWaiting: false };
  resets = 0;
  closedAt: number | undefined;
  #now = 0;

  add(unsentBytes: number): FakeExchange {
    const exchange = new FakeExchange(unsentBytes);
    this.progress.add(exchange);
    return exchange;
  }

  pass(ms: number, each: () => void = () => {}): this {
    for (let i = 0; i < ms / 10; i++) {
      each();
      this.#now += 10;
      const { resets, isStalled } = this.progress.look(this.#now, this.socket, TIMEOUT_MS);
      this.resets += resets;
      if (isStalled) this.closedAt ??= this.#now;
    }
    return this;
  }
}

describe("an exchange", () => {
  test("whose bytes wait is reset when none was taken for the time", () => {
    const connection = new Connection();
    const stuck = connection.add(1000);
    connection.add(0);
    connection.pass(60);
    expect(stuck.resets).toBe(0);
    connection.pass(10);
    expect(stuck.resets).toBe(1);
    connection.pass(100);
    expect(stuck.resets).toBe(1);
  });

  test("with nothing to send is never ended, and neither is its connection", () => {
    const connection = new Connection();
    const quiet = connection.add(0);
    connection.pass(10_000);
    expect(quiet.resets).toBe(0);
    expect(connection.closedAt).toBeUndefined();
  });

  test("that takes a byte now and then goes on, however slow its reader is", () => {
    const connection = new Connection();
    const slow = connection.add(1000);
    for (let i = 0; i < 50; i++) {
      connection.pass(50);
      slow.take(1);
    }
    expect(slow.resets).toBe(0);
    expect(connection.closedAt).toBeUndefined();
  });

  test("is reset while others on its connection go on", () => {
    const connection = new Connection();
    const stuck = connection.add(1000);
    const lively = connection.add(1000);
    connection.pass(200, () => lively.take(1));
    expect(stuck.resets).toBe(1);
    expect(lively.resets).toBe(0);
    expect(connection.closedAt).toBeUndefined();
  });

  test("that begins to wait has the whole time, however long it was quiet", () => {
    const connection = new Connection();
    const watch = connection.add(0);
    connection.add(0);
    connection.pass(10_000);
    watch.unsentBytes = 10;
    connection.pass(60);
    expect(watch.resets).toBe(0);
    connection.pass(10);
    expect(watch.resets).toBe(1);
  });

  test("that has ended is left alone", () => {
    const connection = new Connection();
    const ended = connection.add(1000);
    connection.pass(30);
    connection.progress.delete(ended);
    connection.progress.delete(ended);
    connection.pass(1000);
    expect(ended.resets).toBe(0);
    expect(connection.closedAt).toBeUndefined();
  });

  test("on a slow link waits for the link", () => {
    const connection = new Connection();
    const waiting = connection.add(1000);
    let taken = 0;
    connection.pass(1000, () => {
      taken += 1;
      connection.socket = { taken, isWaiting: true };
    });
    expect(waiting.resets).toBe(0);
    connection.socket = { taken, isWaiting: false };
    connection.pass(70);
    expect(waiting.resets).toBe(1);
  });
});

describe("an exchange alone on its connection", () => {
  function alone(): { connection: Connection; drip: () => void } {
    const connection = new Connection();
    connection.add(1000);
    let window = 65_535;
    connection.socket = { taken: 0, isWaiting: false, window: () => window };
    const drip = () => {
      window -= 1;
    };
    return { connection, drip };
  }

  test("goes on while single bytes of a write are sent", () => {
    const { connection, drip } = alone();
    connection.pass(1000, drip);
    expect(connection.resets).toBe(0);
    expect(connection.closedAt).toBeUndefined();
    connection.pass(70);
    expect(connection.resets).toBe(1);
  });

  test("is not helped by bytes of others", () => {
    const { connection, drip } = alone();
    connection.pass(70, () => {
      drip();
      connection.progress.delete(connection.add(0));
    });
    expect(connection.resets).toBe(1);
    const second = alone();
    second.connection.add(0);
    second.connection.pass(70, second.drip);
    expect(second.connection.resets).toBe(1);
  });
});

describe("a connection", () => {
  test("is closed with the reset of its last exchange", () => {
    const connection = new Connection();
    connection.add(1000);
    connection.add(1000);
    connection.pass(70);
    expect(connection.resets).toBe(2);
    expect(connection.closedAt).toBe(70);
  });

  test("is closed when all of its exchanges wait and none took a byte, new ones or not", () => {
    const connection = new Connection();
    connection.pass(200, () => void connection.add(1000));
    expect(connection.closedAt).toBe(70);
  });

  test("stays while calls that end well go on beside exchanges that wait", () => {
    const connection = new Connection();
    connection.pass(200, () => {
      connection.add(1000);
      connection.progress.delete(connection.add(0));
    });
    expect(connection.resets).toBeGreaterThan(5);
    expect(connection.closedAt).toBeUndefined();
  });

  test("is closed when its socket takes nothing, without any exchange", () => {
    const connection = new Connection();
    connection.socket = { taken: 100, isWaiting: true };
    connection.pass(60);
    expect(connection.closedAt).toBeUndefined();
    connection.pass(10);
    expect(connection.closedAt).toBe(70);
  });

  test("whose peer is seen to take what the system holds stays", () => {
    const connection = new Connection();
    connection.socket = { taken: 100, isWaiting: true };
    connection.pass(50);
    expect(connection.progress.socketStalledMs(50)).toBe(40);
    connection.progress.socketMoved(50);
    connection.pass(50);
    expect(connection.closedAt).toBeUndefined();
    connection.pass(10);
    expect(connection.closedAt).toBe(110);
  });

  test("whose socket takes a byte now and then stays", () => {
    const connection = new Connection();
    for (let taken = 0; taken < 50; taken++) {
      connection.socket = { taken, isWaiting: true };
      connection.pass(50);
    }
    expect(connection.closedAt).toBeUndefined();
  });
});
