/**
 * Single calls through the public Go stubs: codes, texts, trailers, sizes.
 * @module
 */
import { inject } from "vitest";
import { LineProcess } from "./line-process.ts";
import { certificate, type Service } from "./services.ts";

/** A call as the Go probe makes it; bytes are base64. */
export interface ProbeCall {
  readonly do: "hello" | "update" | "delete" | "list" | "watch" | "fill" | "redial" | "raw";
  readonly clusterId?: string;
  readonly affiliateId?: string;
  readonly clientVersion?: string;
  readonly data?: string;
  readonly endpoints?: readonly string[];
  readonly ttlMs?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Leaves the affiliates themselves out of the answer. */
  readonly brief?: boolean;
  /** Of `watch`: read nothing after the first message before `resume`. */
  readonly hold?: boolean;
  /** Of `raw`. */
  readonly method?: string;
  readonly body?: string;
  /** Of `fill` and `redial`. */
  readonly count?: number;
  readonly dataBytes?: number;
  readonly endpointCount?: number;
  readonly endpointBytes?: number;
}

export interface SealedAffiliate {
  readonly id: string;
  readonly data: string | null;
  readonly endpoints: readonly string[] | null;
}

export interface ProbeAnswer {
  readonly id: number;
  readonly event: "answer" | "message" | "end";
  /** Of `answer` and `end`: the name of the gRPC code. */
  readonly code?: string;
  readonly message?: string;
  readonly header?: Readonly<Record<string, readonly string[]>>;
  readonly trailer?: Readonly<Record<string, readonly string[]>>;
  readonly clientIp?: string;
  readonly redirect?: string;
  readonly affiliates?: readonly SealedAffiliate[];
  readonly affiliateCount: number;
  readonly deleted?: boolean;
  readonly messageBytes: number;
  /** Of `redial`: connections that were made and used. */
  readonly dials?: number;
}

export interface ProbeOptions {
  /** @default gRPC's own, 4_194_304 */
  readonly maxReceiveBytes?: number;
  /** Interval of keepalive pings, also without calls, in ms. gRPC raises it to 10 s. @default none */
  readonly keepaliveMs?: number;
  /** Compresses requests and accepts compressed answers. @default false */
  readonly gzip?: boolean;
  /** Where to connect instead of the service. */
  readonly endpoint?: string;
  /** Authorities to be trusted, with a service that has a certificate of its own. */
  readonly caFile?: string;
}

export class Probe {
  readonly process: LineProcess<ProbeAnswer>;
  #calls = 0;

  constructor(service: Service, options: ProbeOptions = {}) {
    this.process = new LineProcess("go probe", inject("binaries").interop, ["probe"]);
    const caFile = service.tls ? certificate("ca.pem") : undefined;
    this.process.send({ endpoint: service.endpoint, caFile, ...options });
  }

  /** Makes one unary call, a `fill` or a `redial`, and waits for its answer. */
  async call(call: ProbeCall): Promise<ProbeAnswer> {
    const id = this.#start(call);
    return this.process.until(`answer of ${call.do}`, () =>
      this.process.events.find((answer) => answer.id === id && answer.event === "answer"),
    );
  }

  /** Starts a watch. */
  watch(clusterId: string, options: Partial<ProbeCall> = {}): ProbeWatch {
    return new ProbeWatch(this.process, this.#start({ ...options, do: "watch", clusterId }));
  }

  #start(call: ProbeCall): number {
    this.#calls += 1;
    this.process.send({ ...call, id: this.#calls });
    return this.#calls;
  }
}

/** A watch under way. */
export class ProbeWatch {
  readonly #process: LineProcess<ProbeAnswer>;
  readonly #id: number;

  constructor(process: LineProcess<ProbeAnswer>, id: number) {
    this.#process = process;
    this.#id = id;
  }

  /** Its messages so far. */
  get messages(): readonly ProbeAnswer[] {
    return this.#process.events.filter((e) => e.id === this.#id && e.event === "message");
  }

  /** Waits for message `index`, from 0. */
  message(index: number): Promise<ProbeAnswer> {
    return this.#process.until(`message ${index} of the watch`, () => this.messages[index]);
  }

  /** Waits for the end of the stream. */
  end(): Promise<ProbeAnswer> {
    return this.#process.until("end of the watch", () =>
      this.#process.events.find((e) => e.id === this.#id && e.event === "end"),
    );
  }

  /** Lets a watch read that was told to hold. */
  resume(): void {
    this.#process.send({ do: "resume", id: this.#id });
  }

  cancel(): void {
    this.#process.send({ do: "cancel", id: this.#id });
  }
}
