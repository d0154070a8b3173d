/**
 * The calls of `service-cases.ts`, and more, in every format that calls over HTTP/2 may have.
 * @module
 */
import { type DescMessage, fromBinary, toJsonString } from "@bufbuild/protobuf";
import {
  AffiliateDeleteRequestSchema,
  AffiliateUpdateRequestSchema,
  HelloRequestSchema,
  ListRequestSchema,
  WatchRequestSchema,
} from "../../src/protocol/index.ts";
import { frame } from "../harness/service/test-service.ts";
import { CASES, type Case, request } from "./service-cases.ts";

/** A way to write calls. */
export interface Format {
  readonly name: string;
  readonly contentType: string;
  readonly isJson: boolean;
  readonly isEnveloped: boolean;
  /** Flag of an envelope without a message. */
  readonly endFlag?: number;
  readonly timeoutHeader: "grpc-timeout" | "connect-timeout-ms";
  readonly carries: "everything" | "unary" | "watches";
}

/** A call in a format. */
export type FormatCase = Pick<Case, "name" | "method" | "body" | "headers">;

const SCHEMAS: Readonly<Record<string, DescMessage>> = {
  Hello: HelloRequestSchema,
  AffiliateUpdate: AffiliateUpdateRequestSchema,
  AffiliateDelete: AffiliateDeleteRequestSchema,
  List: ListRequestSchema,
  Watch: WatchRequestSchema,
};

const GRPC = { isEnveloped: true, timeoutHeader: "grpc-timeout", carries: "everything" } as const;
const WEB = { ...GRPC, endFlag: 0x80 } as const;
const UNARY = {
  isEnveloped: false,
  timeoutHeader: "connect-timeout-ms",
  carries: "unary",
} as const;
const STREAM = {
  isEnveloped: true,
  endFlag: 2,
  timeoutHeader: "connect-timeout-ms",
  carries: "watches",
} as const;

function format(contentType: string, rest: Omit<Format, "name" | "contentType" | "isJson">) {
  return { name: contentType, contentType, isJson: contentType.includes("json"), ...rest };
}

/** All formats that need no compression. */
export const FORMATS: readonly Format[] = [
  format("application/grpc", GRPC),
  format("application/grpc+proto", GRPC),
  format("application/grpc+json", GRPC),
  format("application/grpc-web", WEB),
  format("application/grpc-web+proto", WEB),
  format("application/grpc-web+json", WEB),
  format("application/grpc-web+json; charset=utf-8", WEB),
  format("application/connect+proto", STREAM),
  format("application/connect+json", STREAM),
  format("application/proto", UNARY),
  format("application/json", UNARY),
  format("application/json; charset=utf-8", UNARY),
];

/** Requests as JSON that are no requests, or unusual ones. */
const JSON_TEXTS: readonly (readonly [name: string, json: string | Uint8Array])[] = [
  ["an unknown field", '{"clusterId":"c","more":[{}]}'],
  ["the name of the protobuf", '{"cluster_id":"c"}'],
  ["a byte order mark", '\ufeff{"clusterId":"c"}'],
  ["an empty object", "{}"],
  ["null", "null"],
  ["an array", "[]"],
  ["a number", "5"],
  ["text that is not JSON", "{clusterId"],
  ["nothing", ""],
  ["a field that is null", '{"clusterId":null}'],
  ["a field of another type", '{"clusterId":5}'],
  ["a field that comes twice", '{"clusterId":"b","clusterId":"c"}'],
  ["bytes that are not UTF-8", Uint8Array.from([0x22, 0xff, 0x22])],
  ["a field that is not UTF-8", Buffer.from('{"clusterId":"","more":"\xff"}', "latin1")],
  ["a deep nesting", `${"[".repeat(10_000)}${"]".repeat(10_000)}`],
];

const UPDATE_TEXTS: readonly (readonly [name: string, json: string])[] = [
  ["a TTL without a unit", '"ttl":"60"'],
  ["a TTL with a fraction", '"ttl":"1.5s"'],
  ["a TTL that is far too large", '"ttl":"999999999999999s"'],
  ["data that is not base64", '"affiliateData":"%"'],
  ["data in URL-safe base64", '"affiliateData":"_-8","ttl":"60s"'],
  ["endpoints that are no list", '"affiliateEndpoints":"AAAA"'],
];

/** The calls that `format` can express. */
export function casesOf(format: Format): readonly FormatCase[] {
  const { carries, isJson, isEnveloped } = format;
  const known = CASES.flatMap((example) => convert(example, format));
  const tooLarge = new Uint8Array(16_385).fill(0x20);
  const more: FormatCase[] = [
    call("List", "a list of a cluster that there is not", "other"),
    call("Hello", "a cluster that may not", "closed"),
    call("Watch", "a watch of a cluster that may not", "closed"),
    call("List", "a list that comes too late", "slow", { [format.timeoutHeader]: lateIn() }),
    { name: "a body without an end of its own that is too large", body: tooLarge, ...any() },
    {
      name: "a length that is announced and too large",
      body: tooLarge,
      headers: { "content-length": "16385" },
      ...any(),
    },
    timeout("a deadline that is empty", ""),
    timeout("a deadline of too many digits", "12345678901"),
    timeout("a deadline with a sign", "-1"),
    ...envelopes(),
    ...(isJson ? texts() : []),
  ];
  const all = [...known, ...more].filter(
    ({ method }) => carries === "everything" || (method === "Watch") === (carries === "watches"),
  );
  return all.map((example) => ({
    ...example,
    headers: { "content-type": format.contentType, ...example.headers },
  }));

  function any(): { readonly method: string } {
    return { method: carries === "watches" ? "Watch" : "Hello" };
  }

  function lateIn(): string {
    return format.timeoutHeader === "grpc-timeout" ? "50m" : "50";
  }

  function call(
    method: string,
    name: string,
    clusterId: string,
    headers: Record<string, string> = {},
  ): FormatCase {
    const schema = SCHEMAS[method] as typeof HelloRequestSchema;
    return {
      name,
      method,
      headers,
      body: inFormat(request(schema, { clusterId }), method, format),
    };
  }

  function timeout(name: string, value: string): FormatCase {
    const { method } = any();
    const body = inFormat(request(HelloRequestSchema, { clusterId: "c" }), "Hello", format);
    return { name, method, body, headers: { [format.timeoutHeader]: value } };
  }

  function envelopes(): readonly FormatCase[] {
    const { endFlag } = format;
    if (!isEnveloped) return [];
    const good = inFormat(request(HelloRequestSchema, { clusterId: "closed" }), "Hello", format);
    const bodies: Record<string, Uint8Array> = {
      "flags that nobody knows": Buffer.concat([Buffer.of(0x40), good.subarray(1)]),
      "a message that is not whole": good.subarray(0, -1),
    };
    if (endFlag !== undefined) {
      const end = frame(Buffer.from("{}"), { flags: endFlag });
      Object.assign(bodies, {
        "an end behind the message": Buffer.concat([good, end]),
        "an end before the message": Buffer.concat([end, good]),
        "an end between two messages": Buffer.concat([good, end, good]),
        "nothing but an end": end,
        "an end that is cut short": Buffer.concat([good, end.subarray(0, -1)]),
        "an end that is compressed": frame(Buffer.from("{}"), { flags: endFlag | 1 }),
      });
    }
    return Object.entries(bodies).map(([name, body]) => ({ name, body, ...any() }));
  }

  function texts(): readonly FormatCase[] {
    const { method } = any();
    const enclose = (text: string | Uint8Array) => {
      const bytes = Buffer.from(text as string);
      return isEnveloped ? frame(bytes) : bytes;
    };
    return [
      ...JSON_TEXTS.map(([name, text]) => {
        // A watch that is not refused has no end.
        const json = typeof text === "string" ? text.replaceAll('"c"', '"closed"') : text;
        return { name, method, body: enclose(json) };
      }),
      ...UPDATE_TEXTS.map(([name, text]) => ({
        name,
        method: "AffiliateUpdate",
        body: enclose(`{"clusterId":"c","affiliateId":"a",${text}}`),
      })),
    ];
  }
}

/** A request out of a frame with its protobuf. */
export function inFormat(framed: Uint8Array, method: string, format: Format): Uint8Array {
  const message = framed.subarray(5);
  const schema = SCHEMAS[method] as DescMessage;
  const bytes = format.isJson
    ? Buffer.from(toJsonString(schema, fromBinary(schema, message)))
    : message;
  return format.isEnveloped ? frame(bytes) : bytes;
}

/** @returns Nothing if the format cannot say it. */
function convert(example: Case, format: Format): readonly FormatCase[] {
  const { "content-type": type, "grpc-timeout": timeout, ...rest } = example.headers ?? {};
  const isGrpc = format.contentType.startsWith("application/grpc");
  if (type !== undefined || (timeout !== undefined && !isGrpc)) return [];
  const headers = { ...rest, ...(timeout !== undefined && { "grpc-timeout": timeout }) };
  if (format.isEnveloped && !format.isJson) return [{ ...example, headers }];
  const buffer = Buffer.from(example.body);
  const isWhole =
    buffer.length >= 5 && buffer[0] === 0 && buffer.readUInt32BE(1) === buffer.length - 5;
  if (!isWhole) return format.isEnveloped ? [{ ...example, headers }] : [];
  if (!format.isJson) return [{ ...example, headers, body: buffer.subarray(5) }];
  try {
    return [{ ...example, headers, body: inFormat(buffer, example.method, format) }];
  } catch {
    return [];
  }
}
