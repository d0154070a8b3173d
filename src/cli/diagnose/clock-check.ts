/**
 * This machine's clock against the service's, by the `Date` of an HTTP answer on the same port:
 * certificates depend on it.
 * @module
 */
import { connect } from "node:http2";
import type { DiagnoseOptions, Outcome } from "./check.ts";
import { openStream, type Route } from "./route.ts";

/** Far above what a second's rounding and a slow way make. */
const WARNING_MS = 10_000;

/** Asks for a page's head in HTTP/2. A service that tells no time is no worse for it. */
export async function checkClock(
  route: Route,
  { now = Date.now }: Pick<DiagnoseOptions, "now">,
  signal: AbortSignal,
): Promise<Outcome<true>> {
  const unknown: Outcome<true> = {
    finding: { status: "unknown", summary: "the service does not tell the time" },
    value: true,
  };
  let asked: { date: string | undefined; atMs: number };
  try {
    asked = await askDate(route, now, signal);
  } catch {
    return unknown;
  }
  const theirsMs = Date.parse(asked.date ?? "");
  if (Number.isNaN(theirsMs)) return unknown;
  // A date is cut to whole seconds, so the middle of its second is the best guess.
  const offsetMs = Math.round(asked.atMs - (theirsMs + 500));
  const details = { offsetMs };
  if (Math.abs(offsetMs) <= WARNING_MS) {
    const summary = "agrees with the service's, to a second or so";
    return { finding: { status: "ok", summary, details }, value: true };
  }
  const seconds = Math.round(Math.abs(offsetMs) / 1000);
  const direction = offsetMs > 0 ? "ahead of" : "behind";
  return {
    finding: {
      status: "warning",
      summary: `${durationText(seconds)} ${direction} the service's`,
      hint: "One of the two is wrong: look at NTP here (timedatectl) and there. TLS fails with a wrong clock.",
      details,
    },
    value: true,
  };
}

async function askDate(
  route: Route,
  now: () => number,
  signal: AbortSignal,
): Promise<{ date: string | undefined; atMs: number }> {
  const socket = await openStream(route, signal);
  const session = connect(route.service.baseUrl, { createConnection: () => socket });
  try {
    return await new Promise((resolve, reject) => {
      session.on("error", reject);
      session.once("close", () => reject(new Error("the connection was closed")));
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      const beforeMs = now();
      const request = session.request({ ":method": "HEAD", ":path": "/" });
      request.on("error", reject);
      request.once("response", ({ date }) => {
        resolve({ date, atMs: (beforeMs + now()) / 2 });
      });
      request.end();
    });
  } finally {
    session.destroy();
    socket.destroy();
  }
}

function durationText(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
