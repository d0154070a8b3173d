/**
 * Log lines on stderr, as text for people or as JSON in the shape of the reference service.
 * @module
 */
import type { CliOutput } from "./io.ts";
import { printable } from "./output/printable.ts";

/** What `--log-format` takes. */
export const LOG_FORMATS = ["text", "json"] as const;

/** One of {@link LOG_FORMATS}. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Details of a line. `undefined` ones are left out. */
export type LogFields = Readonly<Record<string, string | number | undefined>>;

/** Writes lines of several weights. */
export interface Log {
  readonly debug: (message: string, fields?: LogFields) => void;
  readonly info: (message: string, fields?: LogFields) => void;
  readonly warn: (message: string, fields?: LogFields) => void;
  readonly error: (message: string, fields?: LogFields) => void;
}

/** Options of {@link createLog}. */
export interface LogOptions {
  /** @default "text" */
  readonly format?: LogFormat;
  /** Whether debug lines are written. @default false */
  readonly debug?: boolean;
  /** Current time in ms since 1970. @default Date.now */
  readonly now?: () => number;
}

/** Makes a log. */
export function createLog(
  output: CliOutput,
  { format = "text", debug = false, now = Date.now }: LogOptions = {},
): Log {
  const formatLine = format === "json" ? formatJsonLine : formatTextLine;
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      output.write(`${formatLine(level, now(), message, fields)}\n`);
  return {
    debug: debug ? at("debug") : () => {},
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}

function formatJsonLine(level: string, timeMs: number, msg: string, fields: LogFields): string {
  return JSON.stringify({ level, ts: timeMs / 1000, msg, ...fields });
}

function formatTextLine(level: string, timeMs: number, message: string, fields: LogFields): string {
  const details = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${formatValue(String(value))}`);
  const time = new Date(timeMs).toISOString();
  return printable(`${time} ${level.padEnd(5)} ${message}${details.join("")}`);
}

function formatValue(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
