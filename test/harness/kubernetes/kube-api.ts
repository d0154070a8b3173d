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
import { unusedPort } from "../net/unused-port.ts";
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

/** Somebody who may knock, by a token. */
export interface KubeUser {
  readonly name: string;
  readonly groups?: readonly string[];
}

const ADMINISTRATOR: KubeUser = { name: "admin", groups: ["system:masters"] };

export interface KubeApiOptions {
  /** Besides the administrator. What they may is up to roles, and for `system:node:` to the node authorizer. */
  readonly users?: readonly KubeUser[];
  /** More of the server's command line. */
  readonly args?: readonly string[];
}

export class KubeApi implements AsyncDisposable {
  readonly #folder: string;
  readonly #program: string;
  readonly #options: KubeApiOptions;
  readonly #tokens = new Map<string, string>();
  readonly #processes: ChildProcess[] = [];
  readonly #output: string[] = [];
  #apiServer: ChildProcess | undefined;
  #etcd = "";
  #port = 0;

  private constructor(folder: string, program: string, options: KubeApiOptions) {
    this.#folder = folder;
    this.#program = program;
    this.#options = options;
  }

  /** Resolves when the server is ready. */
  static async start(apiServer: string, options: KubeApiOptions = {}): Promise<KubeApi> {
    const folder = await mkdtemp(join(tmpdir(), "talos-discovery-kube-"));
    const api = new KubeApi(folder, apiServer, options);
    try {
      await api.#start();
      return api;
    } catch (error) {
      await api[Symbol.asyncDispose]();
      throw error;
    }
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** The certificate of the server, which is its own authority. */
  get certificate(): string {
    return join(this.#folder, "certs/apiserver.crt");
  }

  /** Of a user, by name. */
  token(user: string): string {
    const token = this.#tokens.get(user);
    if (token === undefined) throw new Error(`no user ${user}`);
    return token;
  }

  async #start(): Promise<void> {
    const file = (name: string) => join(this.#folder, name);
    const { privateKey, publicKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    await writeFile(file("sa.key"), privateKey, { mode: 0o600 });
    await writeFile(file("sa.pub"), publicKey);
    const rows = [ADMINISTRATOR, ...(this.#options.users ?? [])].map(({ name, groups = [] }) => {
      const token = randomUUID();
      this.#tokens.set(name, token);
      return `${token},${name},${name},"${groups.join(",")}"\n`;
    });
    await writeFile(file("tokens.csv"), rows.join(""), { mode: 0o600 });
    this.#etcd = `http://127.0.0.1:${await unusedPort()}`;
    const peer = `http://127.0.0.1:${await unusedPort()}`;
    this.#port = await unusedPort();
    this.#run("etcd", [
      ...["--data-dir", file("etcd"), "--listen-client-urls", this.#etcd],
      ...["--advertise-client-urls", this.#etcd, "--listen-peer-urls", peer],
      ...["--initial-advertise-peer-urls", peer, "--initial-cluster", `default=${peer}`],
      ...["--unsafe-no-fsync", "--log-level=error"],
    ]);
    await this.startApiServer();
  }

  /** After {@link killApiServer}: on the same port, with what etcd has. */
  async startApiServer(): Promise<void> {
    const file = (name: string) => join(this.#folder, name);
    this.#apiServer = this.#run(this.#program, [
      `--etcd-servers=${this.#etcd}`,
      `--secure-port=${this.#port}`,
      "--bind-address=127.0.0.1",
      `--cert-dir=${file("certs")}`,
      `--service-account-key-file=${file("sa.pub")}`,
      `--service-account-signing-key-file=${file("sa.key")}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      "--authorization-mode=Node,RBAC",
      `--token-auth-file=${file("tokens.csv")}`,
      "--disable-admission-plugins=ServiceAccount",
      "--enable-admission-plugins=NodeRestriction",
      "--service-cluster-ip-range=10.0.0.0/24",
      ...(this.#options.args ?? []),
    ]);
    await this.until("the API server is ready", async () => {
      const { status } = await this.call("GET", "/readyz").catch(() => ({ status: 0 }));
      return status === 200;
    });
  }

  /** With SIGKILL: no connection is closed in order. */
  async killApiServer(): Promise<void> {
    const child = this.#apiServer;
    if (child === undefined) throw new Error("the API server is not running");
    this.#apiServer = undefined;
    this.#processes.splice(this.#processes.indexOf(child), 1);
    await kill(child);
  }

  /** Not so after {@link killApiServer}. */
  get isRunning(): boolean {
    return this.#apiServer !== undefined;
  }

  /** Lets etcd forget everything before now: who goes on from an older version is told that it is gone. */
  async compact(): Promise<void> {
    const { header } = await this.#askEtcd("kv/range", { key: "AA==" });
    await this.#askEtcd("kv/compaction", { revision: header.revision, physical: true });
  }

  // biome-ignore lint/suspicious/noExplicitAny: etcd's gateway to JSON.
  async #askEtcd(call: string, body: object): Promise<any> {
    const response = await fetch(`${this.#etcd}/v3/${call}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`etcd ${call}: ${await response.text()}`);
    return response.json();
  }

  #run(program: string, args: readonly string[]): ChildProcess {
    const child = spawn(program, args, { cwd: this.#folder, stdio: ["ignore", "pipe", "pipe"] });
    this.#processes.push(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (piece: string) => {
        this.#output.push(piece);
        this.#output.splice(0, this.#output.length - 50);
      });
    }
    child.on("error", (error) => this.#output.push(`${program}: ${error.message}`));
    return child;
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
    if (!existsSync(this.certificate)) throw new Error("no certificate yet");
    const asking = request({
      host: "127.0.0.1",
      port: this.#port,
      path,
      method,
      agent: false,
      ca: readFileSync(this.certificate),
      checkServerIdentity: () => undefined,
      headers: {
        authorization: `Bearer ${this.token(ADMINISTRATOR.name)}`,
        "content-type": contentType,
      },
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
    for (const child of this.#processes.reverse()) await kill(child);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
