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

/** How it went, in one line. */
export function summaryLine(diagnosis: Diagnosis): string {
  const { services, node } = diagnosis;
  const failed = services.filter(({ status }) => status === "failed");
  const counts = Object.entries(countStatuses(diagnosis))
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${status}`)
    .join(", ");
  const isOne = services.length === 1;
  const places = failed.map((service) =>
    isOne ? firstFailure(service) : `${service.name} ${firstFailure(service)}`,
  );
  const work =
    failed.length === 0
      ? isOne
        ? "The service works"
        : `All ${services.length} services work`
      : `${isOne ? "The service fails" : `${failed.length} of ${services.length} services fail`}: ${places.join(", ")}`;
  const about = node === undefined ? "" : ` ${node.summary}.`;
  return `${work}; ${counts}.${about}`;
}

function firstFailure({ hops }: ServiceDiagnosis): string {
  const [hop, index] = hops
    .map((one, i) => [one, i] as const)
    .find(([{ checks }]) => checks.some(isFailed)) ?? [undefined, 0];
  const name = hop?.checks.find(isFailed)?.name ?? "unknown";
  return index > 0 ? `at ${name}, after a redirect to ${hop?.url}` : `at ${name}`;
}

function isFailed({ status }: CheckReport): boolean {
  return status === "failed";
}

function countStatuses({ services }: Diagnosis): Record<CheckStatus, number> {
  const all = services.flatMap(({ hops }) => hops.flatMap(({ checks }) => checks));
  const counts = STATUSES.map(
    (status) => [status, all.filter((check) => check.status === status).length] as const,
  );
  return Object.fromEntries(counts) as Record<CheckStatus, number>;
}
