/**
 * What a kubeconfig file, or a pod's service account, has to say about how to reach an API server.
 * Loaded when it is needed: it brings `@kubernetes/client-node`, which knows all the ways to get
 * credentials.
 * @module
 */
import { X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import { dirname, resolve } from "node:path";
import { createSecureContext } from "node:tls";
import { type Cluster, KubeConfig, type User } from "@kubernetes/client-node";
import { DiscoveryError } from "../../errors.ts";
import { ownVariables } from "../child-environment.ts";
import { FileProblem, fileFailure } from "../files/file-failure.ts";
import { checkInputStats, readInputBytes } from "../files/input-bytes.ts";
import { type KubeconfigText, parseKubeconfig } from "./kubeconfig-text.ts";

/** Plugins that fail may say much. */
const MAX_MESSAGE_CHARACTERS = 300;

/** What plugins are told, in a variable: that there is nobody to ask for a password. */
const EXEC_INFO = "KUBERNETES_EXEC_INFO";

/** How to reach an API server. */
export interface KubernetesCredentials {
  /** The server's URL, without a slash at its end. */
  readonly server: string;
  /** The same for people: nothing secret in it. */
  readonly source: string;
  /**
   * For one request: certificates, headers, a proxy. May run a plugin.
   *
   * @throws {DiscoveryError} `ERR_KUBERNETES_UNAUTHORIZED` where there are no credentials to be
   *   had.
   */
  options(): Promise<RequestOptions>;
}

/**
 * Reads a kubeconfig file.
 *
 * @param contextName - `undefined` for its `current-context`.
 * @param signal - Ends the wait for a file that is a FIFO.
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE`, `ERR_KUBECONFIG_INVALID`.
 */
export async function readKubeconfig(
  path: string,
  contextName: string | undefined,
  signal?: AbortSignal,
): Promise<KubernetesCredentials> {
  const text = parseKubeconfig(await readText(path, signal), path);
  const config = new KubeConfig();
  try {
    config.loadFromString(text.text);
  } catch (error) {
    // Such as: clusters[0].cluster.server is missing
    const message = error instanceof Error ? error.message : "";
    const [, list, index] =
      /^(clusters|contexts|users)\[(\d+)\]\S* is missing$/.exec(message) ?? [];
    throw list === undefined
      ? text.invalid("is no kubeconfig", [])
      : text.invalid(message, [list, Number(index)]);
  }
  config.makePathsAbsolute(resolve(dirname(path)));
  const { cluster, user } = chosen(config, contextName, text);
  adaptUser(user, path, text);
  const source = checkServer(cluster, text);
  await checkCertificates(config, source, text);
  return { server: cluster.server, source, options: () => optionsOf(config, source) };
}

/**
 * Takes the service account of the pod that this runs in.
 *
 * @param root - Stands before the paths where a pod has it.
 * @throws {DiscoveryError} `ERR_KUBECONFIG_INVALID` outside of a pod.
 */
export async function readServiceAccount(root = ""): Promise<KubernetesCredentials> {
  if (!process.env.KUBERNETES_SERVICE_HOST) {
    throw new DiscoveryError(
      "ERR_KUBECONFIG_INVALID",
      "no kubeconfig file, and this is no pod of Kubernetes: KUBERNETES_SERVICE_HOST is not set",
    );
  }
  const config = new KubeConfig();
  config.loadFromCluster(root);
  const server = config.getCurrentCluster()?.server ?? "";
  return { server, source: server, options: () => optionsOf(config, server) };
}

async function readText(path: string, signal: AbortSignal | undefined): Promise<string> {
  try {
    return (await readInputBytes(path, { signal })).toString("utf8");
  } catch (cause) {
    signal?.throwIfAborted();
    throw new DiscoveryError("ERR_FILE_UNREADABLE", fileFailure(path, cause), { cause });
  }
}

function chosen(
  config: KubeConfig,
  contextName: string | undefined,
  text: KubeconfigText,
): { readonly cluster: Cluster; readonly user: User } {
  const name = contextName ?? config.getCurrentContext();
  const where = contextName === undefined ? ["current-context"] : ["contexts"];
  if (!name) throw text.invalid("has no current-context", []);
  const index = config.getContexts().findIndex((candidate) => candidate.name === name);
  const context = config.getContexts()[index];
  if (context === undefined) {
    throw text.invalid(`there is no context ${JSON.stringify(name)}`, where);
  }
  config.setCurrentContext(name);
  const cluster = config.getCluster(context.cluster);
  if (cluster === null) {
    const missing = JSON.stringify(context.cluster);
    throw text.invalid(`there is no cluster ${missing}`, ["contexts", index, "context", "cluster"]);
  }
  const user = config.getUser(context.user);
  if (user === null) {
    const missing = JSON.stringify(context.user ?? "");
    throw text.invalid(`there is no user ${missing}`, ["contexts", index, "context", "user"]);
  }
  return { cluster, user };
}

/** What kubectl reads and the package does not. */
function adaptUser(user: User, path: string, text: KubeconfigText): void {
  const entry = text.entry("users", user.name);
  if (typeof entry?.tokenFile === "string" && user.authProvider == null) {
    const tokenFile = absolute(path, entry.tokenFile);
    Object.assign(user, { authProvider: { name: "tokenFile", config: { tokenFile } } });
  }
  const { exec } = user;
  if (exec == null) return;
  // A name is looked for in PATH; a path is one from the file.
  if (exec.command?.includes("/")) exec.command = absolute(path, exec.command);
  const spec = { interactive: false };
  const value = JSON.stringify({ apiVersion: exec.apiVersion, kind: "ExecCredential", spec });
  // Without a value, a variable is not passed on.
  const hidden = ownVariables(process.env).map((name) => ({ name }) as (typeof exec.env)[number]);
  exec.env = [...hidden, ...(exec.env ?? []), { name: EXEC_INFO, value }];
}

/** Absolute, so that `./plugin` is not looked for in PATH as `plugin`. */
function absolute(path: string, file: string): string {
  return resolve(dirname(path), file);
}

/** @returns The URL for people. */
function checkServer(cluster: Cluster, text: KubeconfigText): string {
  const where = ["clusters", text.indexOf("clusters", cluster.name), "cluster", "server"];
  const url = URL.parse(cluster.server);
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    throw text.invalid("server: is no https:// URL", where);
  }
  if (url.protocol === "http:" && !cluster.skipTLSVerify) {
    throw text.invalid("server: http:// needs insecure-skip-tls-verify: true", where);
  }
  return `${url.origin}${url.pathname.replace(/\/$/, "")}`;
}

/** What cannot be used is said at once, and not by each connection. */
async function checkCertificates(
  config: KubeConfig,
  source: string,
  text: KubeconfigText,
): Promise<void> {
  // Without its plugin, which may take long or ask the network.
  const plain = new KubeConfig();
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  const problem = await fileProblem(config);
  if (problem !== undefined) throw text.invalid(problem, []);
  if (cluster === null || user === null) return;
  const { certFile, certData, keyFile, keyData } = user;
  plain.loadFromClusterAndUser(cluster, { name: user.name, certFile, certData, keyFile, keyData });
  try {
    const { ca, cert, key } = await optionsOf(plain, source);
    createSecureContext({ cert, key });
    // An authority that is none would make a context without a word, and then trust nobody.
    if (ca !== undefined) new X509Certificate(ca as Buffer);
  } catch (error) {
    const cause = error instanceof DiscoveryError ? error.cause : error;
    const { path, code } = cause as NodeJS.ErrnoException;
    throw path === undefined
      ? text.invalid("a certificate or key of the context does not parse", [])
      : text.invalid(`${path} cannot be read (${code})`, []);
  }
}

/**
 * What the package must not begin to read, since nothing would end it: it reads files at once, with
 * the event loop waiting.
 *
 * @returns `PATH: why`
 */
async function fileProblem(config: KubeConfig): Promise<string | undefined> {
  const user = config.getCurrentUser();
  const files: unknown[] = [
    config.getCurrentCluster()?.caFile,
    user?.certFile,
    user?.keyFile,
    user?.authProvider?.config?.tokenFile,
  ];
  for (const file of files) {
    if (typeof file !== "string" || file === "") continue;
    try {
      checkInputStats(await stat(file));
    } catch (error) {
      // What the file system says, the package meets and says again.
      if (error instanceof FileProblem) return fileFailure(file, error);
    }
  }
  return undefined;
}

async function optionsOf(config: KubeConfig, source: string): Promise<RequestOptions> {
  const problem = await fileProblem(config);
  if (problem !== undefined) {
    throw new DiscoveryError(
      "ERR_KUBERNETES_UNAUTHORIZED",
      `${source}: no credentials to be had: ${problem}`,
    );
  }
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    if (cause instanceof SyntaxError) {
      // Its message quotes what the plugin has printed, which may be secret.
      throw new DiscoveryError(
        "ERR_KUBERNETES_UNAUTHORIZED",
        `${source}: no credentials to be had: what the plugin printed is not JSON`,
      );
    }
    const said = cause instanceof Error ? cause.message : String(cause);
    const why = said.replaceAll(/\s+/g, " ").trim().slice(0, MAX_MESSAGE_CHARACTERS);
    throw new DiscoveryError(
      "ERR_KUBERNETES_UNAUTHORIZED",
      `${source}: no credentials to be had: ${why}`,
      { cause },
    );
  }
  // Its agents keep the first certificates that they see, and plugins may bring new ones.
  if (!config.getCurrentCluster()?.proxyUrl) options.agent = false;
  return options;
}
