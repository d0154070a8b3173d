/**
 * What ends up in an application that imports one entry point, by name and by size.
 * @module
 */
import { afterAll, describe, expect, inject, test } from "vitest";
import { type Bundle, bundle } from "./bundle.ts";

const { folder } = inject("packageUnderTest");

const everything = (entry: string) => `export * from "talos-discovery/${entry}";`;

const BROWSER_CLIENT = `
  export { DiscoveryClient } from "talos-discovery/client";
  export { grpcWebTransport } from "talos-discovery/web";
`;

/** What may not be in a bundle of an entry point: the start of a path in `src`, of a dependency's file, or an import. */
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  identity: [
    "@noble/",
    "@scure/",
    "@bufbuild/",
    "@connectrpc/",
    "src/crypto/",
    "src/protocol/",
    "node:",
  ],
  crypto: ["@bufbuild/", "@connectrpc/", "src/protocol/", "node:"],
  protocol: [
    "@noble/",
    "@scure/",
    "@connectrpc/",
    "src/crypto/",
    "src/client/",
    "src/registry/",
    "node:",
  ],
  client: ["@connectrpc/connect-", "src/registry/", "src/server/", "src/node/", "node:"],
  registry: [
    "@noble/",
    "@scure/",
    "@connectrpc/",
    "src/crypto/",
    "src/client/",
    "src/server/",
    "node:",
  ],
  server: [
    "@noble/",
    "@scure/",
    "@connectrpc/connect-",
    "src/crypto/",
    "src/client/",
    "src/node/",
    "node:",
  ],
  resources: ["@noble/", "@scure/", "@connectrpc/", "src/client/", "src/registry/", "node:"],
  config: ["@bufbuild/", "@connectrpc/", "src/protocol/", "src/client/", "src/registry/", "node:"],
  kubespan: [
    ...["@bufbuild/", "@connectrpc/", "@noble/ciphers", "yaml"],
    // All of Ed25519 would be three times what the keys need.
    ...["@noble/curves/ed25519.js", "src/client/", "src/registry/", "node:"],
  ],
  kubernetes: [
    ...["@kubernetes/", "@bufbuild/", "@connectrpc/", "@noble/", "@scure/", "yaml"],
    ...["src/client/", "src/registry/", "src/discovery/", "node:"],
  ],
  discovery: [
    ...["@kubernetes/", "@connectrpc/connect-"],
    ...["src/registry/", "src/server/", "src/node/", "node:"],
  ],
  web: ["@connectrpc/connect-node", "@noble/", "@scure/", "src/registry/", "src/server/", "node:"],
};

describe("what must not leak", () => {
  test.each(Object.entries(FORBIDDEN))("%s brings nothing of %s", async (entry, forbidden) => {
    const { sources, dependencies, imports } = await bundle(folder, everything(entry));
    expect(sources.size).toBeGreaterThan(0);
    const names = [...sources, ...dependencies, ...imports];
    expect(names.filter((name) => forbidden.some((start) => name.startsWith(start)))).toEqual([]);
  });

  test("the everyday entry point brings no runtime", async () => {
    const { imports } = await bundle(folder, 'export * from "talos-discovery";');
    expect([...imports]).toEqual([]);
  });

  test("one name of the everyday entry point brings only its folder", async () => {
    const { sources } = await bundle(folder, 'export { base62 } from "talos-discovery";');
    expect([...sources].filter((path) => !/^src\/(identity\/|errors\.ts)/.test(path))).toEqual([]);
  });
});

test.each(["Discovery", "StaticRegistry"])(
  "%s brings none of the cases for one's own registries, and no service",
  async (name) => {
    const { sources } = await bundle(
      folder,
      `export { ${name} } from "talos-discovery/discovery";`,
    );
    const others = /^src\/(client|config|crypto|protocol)\/|registry-(cases|stage)/;
    expect([...sources].filter((path) => others.test(path))).toEqual([]);
  },
);

interface Ceiling {
  readonly name: string;
  readonly code: string;
  /** Packages that are counted elsewhere. */
  readonly external?: readonly string[];
  /** Bundled, minified, `gzip -9`; 1 kB is 1000 bytes. */
  readonly maxGzipBytes: number;
  /** What is known not to hold. It is printed, and has to go when it is no longer so. */
  readonly excess?: { readonly maxGzipBytes: number; readonly reason: string };
}

const CEILINGS: readonly Ceiling[] = [
  { name: "identity", code: everything("identity"), maxGzipBytes: 2_000 },
  { name: "crypto", code: everything("crypto"), maxGzipBytes: 7_500 },
  { name: "protocol", code: everything("protocol"), maxGzipBytes: 24_000 },
  {
    name: "kubespan",
    code: everything("kubespan"),
    maxGzipBytes: 12_000,
    excess: { maxGzipBytes: 150, reason: "@scure/base takes 1 kB of it" },
  },
  {
    name: "client, without Connect",
    code: everything("client"),
    external: ["@connectrpc/connect"],
    maxGzipBytes: 30_000,
    excess: {
      maxGzipBytes: 4_100,
      reason:
        "protobuf-es takes 18 kB of it, which Connect brings anyway, and @scure/base 1 kB; besides the whole transport it adds 16.4 kB",
    },
  },
  {
    name: "client and gRPC-Web for a browser",
    code: BROWSER_CLIENT,
    maxGzipBytes: 48_000,
    excess: {
      maxGzipBytes: 1_550,
      reason: "@scure/base takes 1 kB of it; settled(), the observer and the change feed 0.4 kB",
    },
  },
];

/** What a client may add to an application that has Connect's gRPC-Web transport, `gzip -9`. */
const MAX_ADDED_BYTES = 16_000;

/** What is known not to hold, as {@link Ceiling.excess}. */
const ADDED_EXCESS = { maxGzipBytes: 400, reason: "@scure/base takes 1 kB of it" } as const;

describe("size", () => {
  const rows: (readonly [Ceiling, Bundle])[] = [];

  test.each(CEILINGS)("$name is at most $maxGzipBytes bytes", async (ceiling) => {
    const { code, external = [], maxGzipBytes, excess } = ceiling;
    const built = await bundle(folder, code, { external });
    rows.push([ceiling, built]);
    expect(built.gzipBytes).toBeLessThanOrEqual(maxGzipBytes + (excess?.maxGzipBytes ?? 0));
    if (excess !== undefined) expect(built.gzipBytes, "no excess").toBeGreaterThan(maxGzipBytes);
  });

  test("a client adds at most 16 kB to an application that has Connect's gRPC-Web transport", async () => {
    const transport = await bundle(folder, everything("web"));
    const both = await bundle(folder, `${BROWSER_CLIENT} ${everything("web")}`);
    const addedBytes = both.gzipBytes - transport.gzipBytes;
    process.stdout.write(`a client adds ${addedBytes} bytes; ${ADDED_EXCESS.reason}\n`);
    expect(addedBytes).toBeLessThanOrEqual(MAX_ADDED_BYTES + ADDED_EXCESS.maxGzipBytes);
    expect(addedBytes, "no excess").toBeGreaterThan(MAX_ADDED_BYTES);
  });

  afterAll(() => {
    const lines = rows.map(([{ name, maxGzipBytes, excess }, { minifiedBytes, gzipBytes }]) =>
      [
        name.padEnd(36),
        ...[minifiedBytes, gzipBytes, maxGzipBytes].map((n) => `${n}`.padStart(9)),
        excess ? `  over by ${gzipBytes - maxGzipBytes}: ${excess.reason}` : "",
      ].join(""),
    );
    const header = `${"bundle".padEnd(36)} minified     gzip  ceiling`;
    process.stdout.write(`\n${[header, ...lines].join("\n")}\n\n`);
  });
});
