/**
 * What people and probes ask of a service over plain HTTP, beside its calls.
 * @module
 */
import type { Awaitable } from "../../registry/registry.ts";
import type { Caller } from "../rpc/caller.ts";
import type { PlainPage } from "./plain-page.ts";

/** A request that is no call. */
export interface PageRequest {
  readonly method: string;
  /** Path and query are the caller's; scheme and host mean nothing. */
  readonly url: URL;
  /** The `Accept` header. */
  readonly accept: string | null;
  readonly caller: Caller;
}

/** Answers a request, or leaves it (`undefined`) to the plain answer that every service has. */
export type Pages = (request: PageRequest) => Awaitable<PlainPage | undefined>;

/** Asks each in turn. */
export function firstOf(...all: readonly Pages[]): Pages {
  return async (request) => {
    for (const pages of all) {
      const page = await pages(request);
      if (page !== undefined) return page;
    }
    return undefined;
  };
}

/** Whether the caller would rather have HTML than text: browsers say so, `curl` does not. */
export function prefersHtml(accept: string | null): boolean {
  return accept?.includes("text/html") ?? false;
}
