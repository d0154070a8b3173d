/**
 * A real API server of Kubernetes over a real etcd, on loopback, which accepts objects or says what is wrong with them.
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { unusedPort } from "../../interop/harness/unused-port.ts";
import type { KubeObject } from "./chart.ts";

/** How long all of it may take to start; usually 15 seconds. */
const START_LIMIT_MS = 150_000;
const POLL_INTERVAL_MS = 250;

/** What the server answered. */
export interface KubeAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: any object of Kubernetes.
  readonly body: any;
  /** Warnings, such as of deprecated versions. */
  readonly warnings: readonly string[];
}

export class KubeApi implements AsyncDisposable {
  readonly #folder: string;
  readonly #token = randomUUID();
  readonly #processes: ChildProcess[] = [];
  readonly #output: string[] = [];
  #port = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Resolves when the server is ready. */
  static async start(apiServer: string): Promise<KubeApi> {
    const api = new KubeApi(await mkdtemp(join(tmpdir(), "talos-discovery-kube-")));
    try {
      await api.#start(apiServer);
      return api;
    } catch (error) {
      await api[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(apiServer: string): Promise<void> {
    const file = (name: string) => join(this.#folder, name);
    const { privateKey, publicKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    await writeFile(file("sa.key"), privateKey, { mode: 0o600 });
    await writeFile(file("sa.pub"), publicKey);
    await writeFile(file("tokens.csv"), `${this.#token},admin,admin,"system:masters"\n`, {
      mode: 0o600,
    });
    const etcd = `http://127.0.0.1:${await unusedPort()}`;
    const peer = `http://127.0.0.1:${await unusedPort()}`;
    this.#port = await unusedPort();
    this.#run("etcd", [
      ...["--data-dir", file("etcd"), "--listen-client-urls", etcd],
      ...["--advertise-client-urls", etcd, "--listen-peer-urls", peer],
      ...["--initial-advertise-peer-urls", peer, "--initial-cluster", `default=${peer}`],
      ...["--unsafe-no-fsync", "--log-level=error"],
    ]);
    this.#run(apiServer, [
      `--etcd-servers=${etcd}`,
      `--secure-port=${this.#port}`,
      "--bind-address=127.0.0.1",
      `--cert-dir=${file("certs")}`,
      `--service-account-key-file=${file("sa.pub")}`,
      `--service-account-signing-key-file=${file("sa.key")}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      "--authorization-mode=RBAC",
      `--token-auth-file=${file("tokens.csv")}`,
      "--disable-admission-plugins=ServiceAccount",
      "--service-cluster-ip-range=10.0.0.0/24",
    ]);
    await this.until("the API server is ready", async () => {
      const { status } = await this.call("GET", "/readyz").catch(() => ({ status: 0 }));
      return status === 200;
    });
  }

  #run(program: string, args: readonly string[]): void {
    const child = spawn(program, args, { cwd: this.#folder, stdio: ["ignore", "pipe", "pipe"] });
    this.#processes.push(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (piece: string) => {
        this.#output.push(piece);
        this.#output.splice(0, this.#output.length - 50);
      });
    }
    child.on("error", (error) => this.#output.push(`${program}: ${error.message}`));
  }

  /** Asks again and again. */
  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS;
    while (!(await isSo())) {
      const hasEnded = this.#processes.some(
        ({ exitCode, signalCode, pid }) =>
          pid === undefined || exitCode !== null || signalCode !== null,
      );
      if (hasEnded || performance.now() > deadline) {
        throw new Error(`not so: ${what}\n${this.#output.join("")}`);
      }
      await delay(POLL_INTERVAL_MS);
    }
  }

  /** One request as the administrator. */
  async call(
    method: string,
    path: string,
    body?: object,
    contentType = "application/json",
  ): Promise<KubeAnswer> {
    const certificate = join(this.#folder, "certs/apiserver.crt");
    if (!existsSync(certificate)) throw new Error("no certificate yet");
    const asking = request({
      host: "127.0.0.1",
      port: this.#port,
      path,
      method,
      agent: false,
      ca: readFileSync(certificate),
      checkServerIdentity: () => undefined,
      headers: { authorization: `Bearer ${this.#token}`, "content-type": contentType },
    });
    asking.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(asking, "response");
    const answer = await text(response);
    const { warning } = response.headers;
    return {
      status: response.statusCode,
      body: /json/.test(response.headers["content-type"] ?? "") ? JSON.parse(answer) : answer,
      warnings: warning === undefined ? [] : [warning].flat(),
    };
  }

  /** Creates an object, for others to lie in or to be checked by. */
  async create(object: KubeObject): Promise<void> {
    const { status, body } = await this.call("POST", await this.#collection(object), object);
    if (status !== 201) throw new Error(`${object.kind}: ${JSON.stringify(body)}`);
  }

  /** Applies an object as `kubectl apply --server-side --dry-run=server --validate=strict` does: nothing is stored. */
  async tryApply(object: KubeObject): Promise<KubeAnswer> {
    const query = "dryRun=All&fieldManager=talos-discovery-test&fieldValidation=Strict&force=true";
    const path = `${await this.#collection(object)}/${object.metadata.name}?${query}`;
    return this.call("PATCH", path, object, "application/apply-patch+yaml");
  }

  async #collection({ apiVersion, kind, metadata }: KubeObject): Promise<string> {
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const { body } = await this.call("GET", root);
    const resources: { name: string; kind: string; namespaced: boolean }[] = body.resources ?? [];
    const resource = resources.find(
      (candidate) => candidate.kind === kind && !candidate.name.includes("/"),
    );
    if (resource === undefined) throw new Error(`the API server has no ${apiVersion} ${kind}`);
    const namespace = resource.namespaced ? `/namespaces/${metadata.namespace}` : "";
    return `${root}${namespace}/${resource.name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The API server first: it complains without its etcd.
    for (const child of this.#processes.reverse()) {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
