/**
 * Certificate and key in files, read again when they change.
 * @module
 */
import { DiscoveryError } from "../../errors.ts";
import {
  type FileReading,
  type FileWatch,
  readFiles,
  type WatchFilesOptions,
  watchFiles,
} from "../files/file-watch.ts";
import {
  checkTlsCredentials,
  type TlsCertificate,
  type TlsCredentialNames,
  type TlsCredentials,
} from "./tls-credentials.ts";

/** Paths of PEM files. Links are followed at each look, so a mounted Kubernetes secret will do. */
export interface TlsFiles {
  /** The certificate, and those between it and a root. */
  readonly certificatePath: string;
  /** Its key, without a passphrase. */
  readonly keyPath: string;
  /** Callers must then show a certificate that one of these has signed. @default no client certificates */
  readonly clientCaPath?: string | undefined;
}

/** What came of a change of the files: the certificate that is in force now. */
export type TlsReload =
  | ({ readonly ok: true } & TlsCertificate)
  /** The new files are bad, and the old certificate stays in force. Told once for each change. */
  | ({ readonly ok: false; readonly error: DiscoveryError } & TlsCertificate);

/** What happens at a change. */
export interface TlsFileHooks {
  /** Puts new credentials in force. Where it throws a `DiscoveryError`, they are bad. */
  readonly use: (credentials: TlsCredentials) => void;
  /** Told afterwards, once for each change. Must not throw. */
  readonly onReload?: ((result: TlsReload) => void) | undefined;
}

/** What was read. */
interface LoadedTls {
  readonly credentials: TlsCredentials;
  readonly certificate: TlsCertificate;
}

/** Files in use. */
export interface TlsFileWatch extends FileWatch {
  /** What was good last. */
  readonly current: LoadedTls;
}

/**
 * Watches files, or checks credentials that will not change, behind one shape.
 *
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE`, `ERR_CERTIFICATE_INVALID`
 */
export async function openTls(
  tls: TlsCredentials | TlsFiles,
  hooks: TlsFileHooks,
): Promise<TlsFileWatch> {
  if ("certificatePath" in tls) return watchTlsFiles(tls, hooks);
  const current = { credentials: tls, certificate: checkTlsCredentials(tls) };
  return { current, look: async () => {}, close() {} };
}

/**
 * Reads the files, and again whenever they change.
 *
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE`, `ERR_CERTIFICATE_INVALID`, naming the file.
 */
export async function watchTlsFiles(
  files: TlsFiles,
  { use, onReload }: TlsFileHooks,
  options: WatchFilesOptions = {},
): Promise<TlsFileWatch> {
  const { certificatePath, keyPath, clientCaPath } = files;
  const paths = [certificatePath, keyPath, ...(clientCaPath === undefined ? [] : [clientCaPath])];
  const names: TlsCredentialNames = {
    cert: certificatePath,
    key: keyPath,
    clientCa: clientCaPath ?? "",
  };
  const first = await readFiles(paths);
  let current = load(first, paths, names);
  const watch = watchFiles(
    paths,
    first,
    (readings) => {
      let result: TlsReload;
      try {
        const loaded = load(readings, paths, names);
        use(loaded.credentials);
        current = loaded;
        result = { ok: true, ...current.certificate };
      } catch (error) {
        result = { ok: false, error: error as DiscoveryError, ...current.certificate };
      }
      onReload?.(result);
    },
    options,
  );
  return {
    get current() {
      return current;
    },
    look: watch.look,
    close: watch.close,
  };
}

function load(
  readings: readonly FileReading[],
  paths: readonly string[],
  names: TlsCredentialNames,
): LoadedTls {
  const [cert, key, clientCa] = readings.map((reading, index) => {
    if ("bytes" in reading) return reading.bytes;
    throw new DiscoveryError("ERR_FILE_UNREADABLE", `${paths[index]}: ${reading.problem}`);
  }) as [Uint8Array, Uint8Array, Uint8Array?];
  const credentials = { cert, key, clientCa };
  return { credentials, certificate: checkTlsCredentials(credentials, names) };
}
