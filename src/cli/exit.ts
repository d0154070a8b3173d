/**
 * How a command ends: three exit codes, and one line for what went wrong.
 * @module
 */
import { type DiscoveryErrorCode, isDiscoveryError } from "../errors.ts";

/** Done. */
export const EXIT_OK = 0;

/** The command was right, and something failed. */
export const EXIT_FAILED = 1;

/** The command, or what it was given, was wrong; repeating it cannot help. */
export const EXIT_USAGE = 2;

/** One of the exit codes. */
export type ExitCode = typeof EXIT_OK | typeof EXIT_FAILED | typeof EXIT_USAGE;

/** Wrong input: the message says what is wrong and where it stands. Never with a secret in it. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** A failure that the message explains completely. */
export class CommandFailure extends Error {
  override readonly name: string = "CommandFailure";
}

// What the user gave is wrong under these codes, wherever it was found out.
const INPUT_CODES: ReadonlySet<DiscoveryErrorCode> = new Set<DiscoveryErrorCode>([
  "ERR_ADDRESS_INVALID",
  "ERR_PREFIX_INVALID",
  "ERR_ENDPOINT_INVALID",
  "ERR_BASE62_INVALID",
  "ERR_NODE_ID_INVALID",
  "ERR_MAC_INVALID",
  "ERR_SECRET_INVALID",
  "ERR_CLUSTER_ID_EMPTY",
  "ERR_CLUSTER_ID_TOO_LONG",
  "ERR_SERVICE_URL_INVALID",
  "ERR_CERTIFICATE_INVALID",
  "ERR_ALLOW_LIST_INVALID",
  "ERR_CONFIG_INVALID",
  "ERR_KUBECONFIG_INVALID",
  "ERR_STATIC_MEMBERS_INVALID",
  "ERR_IDENTITY_FILE_INVALID",
  "ERR_FILE_UNREADABLE",
]);

/** Whether `error` says that the input was wrong, rather than that something failed. */
export function isInputError(error: unknown): boolean {
  return error instanceof UsageError || (isDiscoveryError(error) && INPUT_CODES.has(error.code));
}

/** An error in one line: its message, without line breaks. */
export function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.trim().replace(/\s*[\r\n]+\s*/g, " ");
}
