/**
 * Whether each address of a service takes connections.
 * @module
 */
import { isIP } from "node:net";
import type { ServiceUrl } from "../../client/service-url.ts";
import { errorText } from "../text.ts";
import { type Finding, type Outcome, toTenths } from "./check.ts";
import { bareHost } from "./configuration-check.ts";
import { errorCode } from "./failures.ts";
import { openTcp } from "./route.ts";

/** A name with more addresses than this is no discovery service's. */
const MAX_TRIED_ADDRESSES = 16;

type AttemptState = "connected" | "refused" | "timeout" | "unreachable" | "failed";

interface Attempt {
  readonly address: string;
  readonly state: AttemptState;
  /** The system's word for it. */
  readonly error: string | null;
  readonly durationMs: number;
}

/** Connects to every address. The value are those that can be connected to. */
export async function checkTcp(
  service: ServiceUrl,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<Outcome<readonly string[]>> {
  const attempts = await Promise.all(
    addresses.slice(0, MAX_TRIED_ADDRESSES).map((address) => attempt(address, service, signal)),
  );
  const good = attempts.filter(({ state }) => state === "connected");
  const bad = attempts.filter(({ state }) => state !== "connected");
  const details = { port: service.port, attempts };
  const [first] = good;
  if (first === undefined) {
    return { finding: { ...explain(service, bad), details } };
  }
  const connected = `${good.map(({ address }) => address).join(", ")} port ${service.port}`;
  const troubling = bad.filter((one) => !isHarmless(one));
  if (troubling.length > 0) {
    const summary = `${connected}, but not ${troubling.map(describe).join(", ")}`;
    const hint =
      "Clients that take such an address first wait or fail: open it, or remove the record.";
    return {
      finding: { status: "warning", summary, hint, details },
      value: good.map(({ address }) => address),
    };
  }
  const left = bad.length > 0 ? `; not ${bad.map(describe).join(", ")}` : "";
  return {
    finding: { status: "ok", summary: connected + left, details },
    value: good.map(({ address }) => address),
  };
}

async function attempt(
  address: string,
  { port }: ServiceUrl,
  signal: AbortSignal,
): Promise<Attempt> {
  const startedAt = performance.now();
  const ended = (state: AttemptState, error: string | null): Attempt => ({
    address,
    state,
    error,
    durationMs: toTenths(performance.now() - startedAt),
  });
  try {
    (await openTcp(address, port, signal)).destroy();
    return ended("connected", null);
  } catch (error) {
    if (signal.aborted) return ended("timeout", null);
    const code = errorCode(error);
    return ended(STATES[code ?? ""] ?? "failed", code ?? errorText(error));
  }
}

const STATES: Readonly<Record<string, AttemptState>> = {
  ECONNREFUSED: "refused",
  ETIMEDOUT: "timeout",
  ENETUNREACH: "unreachable",
  EHOSTUNREACH: "unreachable",
  EADDRNOTAVAIL: "unreachable",
};

/**
 * A machine without IPv6 is no fault of the service, and `localhost` is often served on one family
 * alone.
 */
function isHarmless({ address, state }: Attempt): boolean {
  if (state === "unreachable") return isIP(address) === 6;
  return state === "refused" && (address === "::1" || address === "127.0.0.1");
}

function describe({ address, state, error }: Attempt): string {
  return `${address} (${state === "failed" ? error : state})`;
}

function explain(
  service: ServiceUrl,
  bad: readonly Attempt[],
): Pick<Finding, "status" | "summary" | "hint"> {
  const place = `${bareHost(service)} port ${service.port}`;
  const summary = bad.length === 0 ? `${place}: no address` : bad.map(describe).join(", ");
  const states = new Set(bad.map(({ state }) => state));
  if (states.has("refused")) {
    const hint = `Nothing listens on port ${service.port}: is the service running, and is it the right port?`;
    return { status: "failed", summary: `${summary}, port ${service.port}`, hint };
  }
  if (states.has("timeout")) {
    const hint = `A firewall drops it, or the machine is off: open TCP port ${service.port} to ${bareHost(service)}.`;
    return { status: "failed", summary: `${summary}, port ${service.port}`, hint };
  }
  const hint = "There is no route from this machine: look at its addresses, gateway and VPN.";
  return { status: "failed", summary: `${summary}, port ${service.port}`, hint };
}
