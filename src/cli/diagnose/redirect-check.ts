/**
 * Where a service sends its nodes.
 * @module
 */
import { MAX_REDIRECTS } from "../../client/connection.ts";
import { parseRedirectEndpoint, type ServiceUrl } from "../../client/service-url.ts";
import type { HelloResponse } from "../../protocol/index.ts";
import { outsideText } from "../text.ts";
import type { Outcome } from "./check.ts";
import { errorText } from "./outside-text.ts";

/** A name of DNS, and a port. */
const MAX_ENDPOINT_CHARACTERS = 260;

/** The value of the check. */
export interface RedirectChoice {
  /** Absent where this service keeps us. */
  readonly target: ServiceUrl | undefined;
}

/**
 * Reads the redirect of an answer.
 *
 * @param trail - The services so far, as `baseUrl`, this one last.
 */
export function checkRedirect(
  hello: HelloResponse,
  service: ServiceUrl,
  trail: readonly string[],
): Outcome<RedirectChoice> {
  const endpoint = hello.redirect?.endpoint ?? "";
  if (endpoint === "") {
    return { finding: { status: "ok", summary: "none" }, value: { target: undefined } };
  }
  const hint = "Correct --redirect-endpoint of the service: HOST:PORT of one that keeps its nodes.";
  if (endpoint.length > MAX_ENDPOINT_CHARACTERS) {
    const summary = `to a text of ${endpoint.length} characters: ${outsideText(endpoint, 60)}`;
    return { finding: { status: "failed", summary, hint } };
  }
  let target: ServiceUrl;
  try {
    target = parseRedirectEndpoint(endpoint, service);
  } catch (error) {
    return { finding: { status: "failed", summary: errorText(error), hint } };
  }
  const details = { target: target.baseUrl };
  if (trail.includes(target.baseUrl)) {
    const loop = [...trail.slice(trail.indexOf(target.baseUrl)), target.baseUrl].join(" → ");
    return { finding: { status: "failed", summary: `a loop: ${loop}`, hint, details } };
  }
  if (trail.length > MAX_REDIRECTS) {
    const summary = `to ${target.baseUrl}, after ${MAX_REDIRECTS} redirects already`;
    return { finding: { status: "failed", summary, hint, details } };
  }
  return {
    finding: { status: "ok", summary: `to ${target.baseUrl}, checked next`, details },
    value: { target },
  };
}
