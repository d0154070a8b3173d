/**
 * A test runner small enough for every runtime: no timers of its own but a deadline, no file, no process.
 * @module
 */

/** Long against what a test takes on a busy machine: it only ends what hangs. */
const DEADLINE_MS = 20_000;

export interface TestResult {
  readonly name: string;
  /** Absent where the test passed. */
  readonly error?: string;
}

export interface Assert {
  /** Compares plain data and bytes by content. */
  equal(actual: unknown, expected: unknown, what?: string): void;
  ok(value: unknown, what: string): void;
  /** Runs `body`, which has to throw a `DiscoveryError` with that code. */
  throwsCode(body: () => unknown, code: string): void;
}

export interface Harness {
  /** @param body - Its signal aborts when the test is over, or has taken too long. */
  test(name: string, body: (signal: AbortSignal) => void | Promise<void>): void;
  readonly assert: Assert;
}

/** Runs what `register` names, one after the other. Never rejects for a test that fails. */
export async function runTests(register: (harness: Harness) => void): Promise<TestResult[]> {
  const tests: [string, (signal: AbortSignal) => void | Promise<void>][] = [];
  register({ test: (name, body) => tests.push([name, body]), assert });
  const results: TestResult[] = [];
  for (const [name, body] of tests) results.push({ name, ...(await outcome(body)) });
  return results;
}

async function outcome(
  body: (signal: AbortSignal) => void | Promise<void>,
): Promise<{ error?: string }> {
  const over = new AbortController();
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => deadline.reject(new Error(`still running after ${DEADLINE_MS} ms`)),
    DEADLINE_MS,
  );
  try {
    await Promise.race([body(over.signal), deadline.promise]);
    return {};
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? `${error}`) : `${error}` };
  } finally {
    clearTimeout(timer);
    over.abort(new Error("the test is over"));
  }
}

const assert: Assert = {
  equal(actual, expected, what = "value") {
    const [left, right] = [show(actual), show(expected)];
    if (left !== right) throw new Error(`${what}: ${left} is not ${right}`);
  },
  ok(value, what) {
    if (!value) throw new Error(`not so: ${what}`);
  },
  throwsCode(body, code) {
    let thrown: unknown;
    try {
      body();
    } catch (error) {
      thrown = error;
    }
    const actual = (thrown as { code?: unknown } | undefined)?.code;
    if (actual !== code) throw new Error(`expected ${code}, got ${thrown ?? "no error"}`);
  },
};

/** JSON with sorted keys; bytes as hexadecimal digits, so that a Buffer equals a plain array of bytes. */
function show(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof Uint8Array) return `bytes ${hex(part)}`;
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function unhex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}
