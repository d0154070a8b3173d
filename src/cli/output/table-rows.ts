/**
 * What stands in the rows of a table of resources.
 * @module
 */
import type { ResourceDefinition, ResourceEvent } from "../../resources/index.ts";
import { printable } from "../text.ts";
import type { Style } from "./style.ts";

const EVENT_MARKS = { created: "+", updated: " ", destroyed: "-" } as const;

/** Which columns stand in front of a resource's own. */
export interface TableColumns {
  /** The column `*`: what happened. */
  readonly withEvents: boolean;
  /** NAMESPACE and TYPE. */
  readonly wide: boolean;
}

/** The titles of a kind's columns. */
export function tableHeader(
  { columns }: ResourceDefinition<never>,
  { withEvents, wide }: TableColumns,
): string[] {
  return [
    ...(withEvents ? ["*"] : []),
    ...(wide ? ["NAMESPACE", "TYPE"] : []),
    "ID",
    "VERSION",
    ...columns.map(({ title }) => title),
  ];
}

/** A resource under these titles, safe for a terminal. */
export function tableCells<Spec>(
  { columns, displayType }: ResourceDefinition<Spec>,
  { withEvents, wide }: TableColumns,
  { event, resource: { metadata, spec } }: ResourceEvent<Spec>,
): string[] {
  return [
    ...(withEvents ? [EVENT_MARKS[event]] : []),
    ...(wide ? [metadata.namespace, displayType] : []),
    metadata.id,
    String(metadata.version),
    ...columns.map(({ cell }) => {
      const value = cell(spec);
      return typeof value === "string" ? value : JSON.stringify(value);
    }),
  ].map(printable);
}

/** How a row is coloured for what happened. */
export function eventPaint(
  event: ResourceEvent<unknown>["event"],
  style: Style,
): (line: string) => string {
  if (event === "updated") return (line) => line;
  return event === "created" ? style.created : style.destroyed;
}
