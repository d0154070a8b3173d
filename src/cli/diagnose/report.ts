/**
 * The whole diagnosis: for programs as one document, for people as one last line.
 * @module
 */
import { CHECK_NAMES, type CheckReport, type CheckStatus, worstStatus } from "./check.ts";
import type { ServiceDiagnosis } from "./diagnose-service.ts";
import type { NodeDiagnosis } from "./node-finding.ts";

const STATUSES: readonly CheckStatus[] = ["ok", "warning", "failed", "skipped", "unknown"];

/** Everything that was found. */
export interface Diagnosis {
  readonly services: readonly ServiceDiagnosis[];
  /** Of the node that was asked for. */
  readonly node?: NodeDiagnosis | undefined;
}

/** `failed` where a check failed, at any service. */
export function diagnosisStatus({ services, node }: Diagnosis): "ok" | "warning" | "failed" {
  return worstStatus([...services.map(({ status }) => status), node?.status ?? "ok"]);
}

/** The document of `-o json`. Keys are stable; what is absent is left out. */
export function diagnosisDocument(diagnosis: Diagnosis): object {
  const { services, node } = diagnosis;
  return {
    status: diagnosisStatus(diagnosis),
    summary: summaryLine(diagnosis),
    counts: countStatuses(diagnosis),
    checks: CHECK_NAMES,
    services: services.map(({ name, url, status, hops }) => ({ name, url, status, hops })),
    ...(node !== undefined && { node }),
  };
}

/** How the services are, in one line. */
export function summaryLine({ services }: Diagnosis): string {
  const counts = Object.entries(countStatuses({ services }))
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${status}`)
    .join(", ");
  return `${verdict(services)}; ${counts}.`;
}

function verdict(services: readonly ServiceDiagnosis[]): string {
  const failed = services.filter(({ status }) => status === "failed");
  const [first] = failed;
  if (services.length === 1) {
    return first === undefined ? "The service works" : `The service fails ${failurePlace(first)}`;
  }
  if (first === undefined) return `All ${services.length} services work`;
  const places = failed.map((service) => `${service.name} ${failurePlace(service)}`).join(", ");
  return `${failed.length} of ${services.length} services fail: ${places}`;
}

function failurePlace({ hops }: ServiceDiagnosis): string {
  const hop = hops.find(({ checks }) => checks.some(isFailed));
  const name = hop?.checks.find(isFailed)?.name ?? "some check";
  return hop === hops[0] ? `at ${name}` : `at ${name}, after a redirect to ${hop?.url}`;
}

function isFailed({ status }: CheckReport): boolean {
  return status === "failed";
}

function countStatuses({ services }: Pick<Diagnosis, "services">): Record<CheckStatus, number> {
  const all = services.flatMap(({ hops }) => hops.flatMap(({ checks }) => checks));
  const counts = STATUSES.map(
    (status) => [status, all.filter((check) => check.status === status).length] as const,
  );
  return Object.fromEntries(counts) as Record<CheckStatus, number>;
}
