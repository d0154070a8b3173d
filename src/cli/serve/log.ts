/**
 * Log lines on stderr: text for people, or JSON in the shape of the reference service.
 * @module
 */
import { createHash } from "node:crypto";
import { printable } from "../../net/quote.ts";
import type { CliOutput } from "../io.ts";

/** What `--log-format` takes. */
export const LOG_FORMATS = ["text", "json"] as const;

/** One of {@link LOG_FORMATS}. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** What `--log-level` takes, from the chattiest. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Details of a line. `undefined` ones are left out. */
export type LogFields = Readonly<Record<string, string | number | undefined>>;

/** Writes lines of several weights. */
export interface Log {
  readonly debug: (message: string, fields?: LogFields) => void;
  readonly info: (message: string, fields?: LogFields) => void;
  readonly warn: (message: string, fields?: LogFields) => void;
  readonly error: (message: string, fields?: LogFields) => void;
  /** Whether lines of this weight are written: for those whose details cost something. */
  readonly isOn: (level: LogLevel) => boolean;
  /**
   * A cluster ID as lines show it: hashed, unless the operator has asked for the IDs themselves.
   */
  readonly clusterId: (id: string) => string;
}

/** Options of {@link createLog}. */
export interface LogOptions {
  /** @default "text" */
  readonly format?: LogFormat;
  /** The least weight that is written. @default "info" */
  readonly level?: LogLevel;
  /**
   * Whether cluster IDs stand in lines as they are. Whoever has one can read and write the
   * cluster's entry in the service, so it is as good as a password to a stranger. @default false
   */
  readonly clusterIds?: boolean;
  /** Current time in ms since 1970. @default Date.now */
  readonly now?: () => number;
}

type WriteLine = (level: LogLevel, message: string, fields: LogFields) => void;

/** Enough to tell clusters apart, in lines and between them. */
const HASH_CHARACTERS = 12;

/** Makes a log. */
export function createLog(
  output: CliOutput,
  { format = "text", level = "info", clusterIds = false, now = Date.now }: LogOptions = {},
): Log {
  const write = format === "json" ? jsonLines(output, now) : textLines(output, now);
  const least = LOG_LEVELS.indexOf(level);
  const isOn = (asked: LogLevel) => LOG_LEVELS.indexOf(asked) >= least;
  const at = (own: LogLevel) =>
    isOn(own) ? (message: string, fields: LogFields = {}) => write(own, message, fields) : () => {};
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    isOn,
    clusterId: clusterIds ? (id) => id : hashedClusterId,
  };
}

/**
 * `#` and the start of the ID's SHA-256, so that an operator who knows the ID can find its lines.
 */
function hashedClusterId(id: string): string {
  return `#${createHash("sha256").update(id).digest("hex").slice(0, HASH_CHARACTERS)}`;
}

function jsonLines(output: CliOutput, now: () => number): WriteLine {
  return (level, message, fields) => {
    const line = { level, ts: now() / 1000, ...fields, msg: message };
    // An escape means the same to who reads JSON.
    output.write(`${printable(JSON.stringify(line))}\n`);
  };
}

function textLines(output: CliOutput, now: () => number): WriteLine {
  return (level, message, fields) => {
    const details = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => ` ${name}=${formatValue(String(value))}`);
    const time = new Date(now()).toISOString();
    output.write(`${printable(`${time} ${level.padEnd(5)} ${message}${details.join("")}`)}\n`);
  };
}

function formatValue(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
