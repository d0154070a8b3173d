/**
 * Certificate and key in files, read again when they change.
 * @module
 */
import type { DiscoveryError } from "../../errors.ts";
import type { WatchFilesOptions } from "../files/file-watch.ts";
import { type ReloadedFiles, reloadFiles } from "../files/reloaded-file.ts";
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
  /**
   * Callers must then show a certificate that one of these has signed. @default no client
   * certificates
   */
  readonly clientCaPath?: string | undefined;
}

/** What came of a change of the files: the certificate that is in force now. */
export type TlsReload =
  | ({ readonly ok: true } & TlsCertificate)
  /** The new files are bad, and the old certificate stays in force. Told once for each change. */
  | ({ readonly ok: false; readonly error: DiscoveryError } & TlsCertificate);

/** What happens at a change. */
export interface TlsFileHooks {
  /** Puts new credentials in force. If it throws a `DiscoveryError`, they are bad. */
  readonly use: (credentials: TlsCredentials) => void;
  /** Told afterwards, once for each change. Must not throw. */
  readonly onReload?: ((result: TlsReload) => void) | undefined;
}

/** What was read. */
interface LoadedTls {
  readonly credentials: TlsCredentials;
  readonly certificate: TlsCertificate;
}

/** Files in use, and what was good last. */
export type TlsFileWatch = ReloadedFiles<LoadedTls>;

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
  return reloadFiles(
    paths,
    {
      load(contents) {
        const [cert, key, clientCa] = contents as [Uint8Array, Uint8Array, Uint8Array?];
        const credentials = { cert, key, clientCa };
        return { credentials, certificate: checkTlsCredentials(credentials, names) };
      },
      use: ({ credentials }) => use(credentials),
      onReload: ({ certificate }) => onReload?.({ ok: true, ...certificate }),
      onError: (error, { certificate }) => onReload?.({ ok: false, error, ...certificate }),
    },
    options,
  );
}
