/**
 * The report of a diagnosis: for people, lines that appear as checks end; for programs, one
 * document.
 * @module
 */

import { printable } from "../../net/quote.ts";
import type { ClusterService } from "../cluster/cluster-access.ts";
import type { Style } from "../output/style.ts";
import {
  CHECK_NAMES,
  type CheckReport,
  type CheckStatus,
  type Finding,
  worstStatus,
} from "./check.ts";
import type { ServiceDiagnosis } from "./diagnose-service.ts";
import type { NodeDiagnosis } from "./node-finding.ts";

const STATUSES: readonly CheckStatus[] = ["ok", "warning", "failed", "skipped", "unknown"];

const STATUS_WIDTH = 9;
const NAME_WIDTH = Math.max(...CHECK_NAMES.map((name) => name.length)) + 2;
const MARGIN = "  ";
const INDENT = MARGIN.length + STATUS_WIDTH + NAME_WIDTH;

/** Text in a narrower column would be all line breaks. */
const MIN_TEXT_WIDTH = 30;

/** Turns checks into lines. Lines wrap under their text, where the width is known. */
export class ReportLines {
  readonly #style: Style;
  readonly #columns: number | undefined;
  #url: string | undefined;
  #hopCount = 0;
  #skipped: CheckReport[] = [];

  /** @param columns - Width to wrap at. @default lines are as long as they are */
  constructor(style: Style, columns?: number) {
    this.#style = style;
    this.#columns = columns;
  }

  /** Begins a service. */
  service({ name, url, host }: Pick<ClusterService, "name" | "url" | "host">): string {
    const isFirst = this.#url === undefined;
    this.#url = url;
    this.#hopCount = 0;
    const shown = name === host || name === url ? url : `${name}  ${url}`;
    return `${isFirst ? "" : "\n"}${this.#style.heading(printable(shown))}\n`;
  }

  /**
   * A check that has ended. What is skipped for one reason comes as one line, with the next check
   * or at the end.
   */
  check(report: CheckReport, url: string): string {
    let text = "";
    if (url !== this.#url) {
      text += this.flush();
      this.#url = url;
      this.#hopCount++;
      text += `${MARGIN}${this.#style.heading(printable(`redirect ${this.#hopCount}: ${url}`))}\n`;
    }
    if (report.status === "skipped") {
      if (this.#skipped[0] !== undefined && this.#skipped[0].summary !== report.summary) {
        text += this.flush();
      }
      this.#skipped.push(report);
      return text;
    }
    return text + this.flush() + this.#lines(report.name, report, report.durationMs);
  }

  /** What is still to be said of the service. */
  flush(): string {
    const skipped = this.#skipped;
    this.#skipped = [];
    const [first] = skipped;
    if (first === undefined) return "";
    if (skipped.length === 1) return this.#lines(first.name, first);
    const names = skipped.map(({ name }) => name).join(", ");
    return this.#lines(`${skipped.length} checks`, {
      status: "skipped",
      summary: `${first.summary} (${names})`,
    });
  }

  /** What is known of a node. */
  node(diagnosis: NodeDiagnosis): string {
    const heading = this.#style.heading(printable(`node ${diagnosis.node}`));
    const services = diagnosis.services
      .map((at) => {
        const { state, service, nodeId, nodeName, hostname, endpoints } = at;
        const names = [nodeName ?? hostname, nodeId].filter((name) => name !== null);
        const places = endpoints.length > 0 ? `, endpoints ${endpoints.join(", ")}` : "";
        const summary = `${service}: ${NODE_STATES[state]}${names.length > 0 ? `: ${names.join(", ")}` : ""}${places}`;
        return this.#lines("service", { status: NODE_STATUSES[state], summary });
      })
      .join("");
    return `\n${heading}\n${services}${this.#lines("node", diagnosis)}`;
  }

  /** What is said of all, at the end. */
  summary(text: string): string {
    const lines = this.#wrap(printable(text), 0).map((line) => this.#style.heading(line));
    return `\n${lines.join("\n")}\n`;
  }

  #lines(name: string, { status, summary, hint }: Finding, durationMs?: number): string {
    const took = durationMs === undefined || durationMs < 1 ? "" : ` (${durationText(durationMs)})`;
    const head = `${MARGIN}${this.#paint(status)(status.padEnd(STATUS_WIDTH))}${name.padEnd(NAME_WIDTH)}`;
    const isQuiet = status === "skipped" || status === "unknown";
    const body = this.#wrap(printable(summary) + took).map((line, index, all) => {
      if (isQuiet) return this.#style.dim(line);
      const isEnd = took !== "" && index === all.length - 1 && line.endsWith(took.trim());
      return isEnd ? line.slice(0, -took.trim().length) + this.#style.dim(took.trim()) : line;
    });
    const advice = hint === undefined ? [] : this.#wrap(printable(`→ ${hint}`));
    return `${head}${[...body, ...advice].join(`\n${" ".repeat(INDENT)}`)}\n`;
  }

  #wrap(text: string, indent: number = INDENT): string[] {
    if (this.#columns === undefined) return [text];
    const width = Math.max(MIN_TEXT_WIDTH, this.#columns - indent - 1);
    const lines: string[] = [];
    let line = "";
    for (const word of text.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else {
        line = line === "" ? word : `${line} ${word}`;
      }
    }
    return [...lines, line];
  }

  #paint(status: CheckStatus): (text: string) => string {
    switch (status) {
      case "ok":
        return this.#style.good;
      case "warning":
        return this.#style.warning;
      case "failed":
        return this.#style.bad;
      case "skipped":
      case "unknown":
        return this.#style.dim;
    }
  }
}

const NODE_STATES: Readonly<Record<NodeDiagnosis["services"][number]["state"], string>> = {
  member: "member",
  "no-node-name": "listed, without a node name",
  sealed: "listed, does not open",
  "not-listed": "not listed",
  unknown: "could not be asked",
};

const NODE_STATUSES: Readonly<Record<NodeDiagnosis["services"][number]["state"], CheckStatus>> = {
  member: "ok",
  "no-node-name": "warning",
  sealed: "failed",
  "not-listed": "warning",
  unknown: "unknown",
};

function durationText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

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
