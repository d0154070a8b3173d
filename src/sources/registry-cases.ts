/**
 * What every {@link DiscoveryRegistry} does, as cases that any test runner can loop over: for those
 * who write their own.
 * @module
 */
import { isDiscoveryError } from "../errors.ts";
import {
  type AffiliateSpec,
  createAffiliateSpec,
  type LocalAffiliate,
} from "../resources/affiliate.ts";
import type { RegistryChange } from "./discovery-registry.ts";
import {
  type Awaitable,
  fail,
  type RegistryStage,
  type RegistryUnderTest,
  sameSpecs,
  withStage,
} from "./registry-stage.ts";

export type { RegistryUnderTest } from "./registry-stage.ts";

export interface RegistryCasesOptions {
  /** Makes a registry over a source of its own, which is empty; called once in each case. */
  readonly open: () => Awaitable<RegistryUnderTest>;
  /** The local node's ID, for a registry that knows one. */
  readonly nodeId?: string | undefined;
  /** Whether it tells the source about the local node. Needs `nodeId`. @default false */
  readonly publishes?: boolean | undefined;
  /** Whether its source can fail. @default false */
  readonly breaks?: boolean | undefined;
  /** How long each wait of a case may take, in ms, before the case fails. @default 10_000 */
  readonly timeoutMs?: number | undefined;
}

/** One case. */
export interface RegistryCase {
  /** A sentence about registries. */
  readonly name: string;
  /** Rejects, with an `Error` that says what was expected, where the sentence does not hold. */
  run(): Promise<void>;
}

/**
 * The cases, in an order for reading; each stands alone.
 *
 * @throws {TypeError} for `publishes` without `nodeId`.
 * @example
 * for (const { name, run } of discoveryRegistryCases({ open: openPhoneBook })) test(name, run);
 */
export function discoveryRegistryCases(options: RegistryCasesOptions): readonly RegistryCase[] {
  const { open, nodeId, publishes = false, breaks = false, timeoutMs = 10_000 } = options;
  if (publishes && nodeId === undefined) throw new TypeError("publishes: needs nodeId");
  const cases: Cases = {
    ...READING,
    ...(publishes ? {} : ONLY_READ),
    ...(nodeId === undefined ? {} : localCases(nodeId)),
    ...(publishes && nodeId !== undefined ? publishingCases(nodeId) : {}),
    ...(breaks ? BREAKING : {}),
  };
  return Object.entries(cases).map(([name, check]) => ({
    name,
    run: () => withStage(open, timeoutMs, check),
  }));
}

type Cases = Readonly<Record<string, (stage: RegistryStage) => Promise<void>>>;

/** Everything that an affiliate may have. */
const FULL = /* @__PURE__ */ createAffiliateSpec({
  nodeId: "2VfX3nu67ZtZPl57IdJrU87BMjVWkSBJiL9ulP9TCnF",
  addresses: ["172.20.0.3", "fd83:b1f7:fcb5:2802:986b:7eff:fec5:889d"],
  hostname: "controlplane-2.example",
  nodename: "controlplane-2",
  machineType: "controlplane",
  operatingSystem: "Talos (v1.15.0)",
  kubespan: {
    publicKey: "06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=",
    address: "fd83:b1f7:fcb5:2802:986b:7eff:fec5:889d",
    additionalAddresses: ["10.244.3.0/24"],
    excludeAdvertisedNetworks: ["192.168.0.0/16"],
  },
  endpoints: ["172.20.0.3:51820", "[2001:db8::3]:51820"],
  controlPlane: { port: 6443 },
});

const OTHER = /* @__PURE__ */ otherAt(["172.20.0.5"]);
const OTHER_CHANGED = /* @__PURE__ */ otherAt(["172.20.0.5", "172.20.0.55"]);

const READING: Cases = {
  "its name and its source are told, and before run it is stopped": async ({ registry }) => {
    if (!/^[^/\s]+$/.test(registry.name)) fail(`name ${JSON.stringify(registry.name)}`);
    if (registry.status.source === "") fail("status.source is empty");
    if (registry.status.phase !== "stopped") fail(`phase ${registry.status.phase}, not stopped`);
  },

  "the first snapshot has all that the source has, with every field": async (stage) => {
    await stage.setSource([FULL, OTHER]);
    stage.run();
    sameSpecs(await stage.snapshot(stage.watch()), [FULL, OTHER]);
  },

  "an empty source gives an empty snapshot": async (stage) => {
    stage.run();
    sameSpecs(await stage.snapshot(stage.watch()), []);
  },

  "what comes, changes and goes is told": async (stage) => {
    stage.run();
    const changes = stage.watch();
    await stage.snapshot(changes);
    await stage.setSource([OTHER]);
    await stage.untilUpdated(changes, OTHER);
    await stage.setSource([OTHER_CHANGED]);
    await stage.untilUpdated(changes, OTHER_CHANGED);
    await stage.setSource([]);
    await stage.untilDeleted(changes, OTHER.nodeId);
  },

  "what is known is what was told, and a watch that comes later begins with it": async (stage) => {
    stage.run();
    const changes = stage.watch();
    await stage.snapshot(changes);
    await stage.setSource([FULL, OTHER]);
    await stage.untilKnown([FULL, OTHER]);
    await stage.setSource([FULL, OTHER_CHANGED]);
    await stage.untilUpdated(changes, OTHER_CHANGED);
    sameSpecs([...stage.registry.affiliates.values()], [FULL, OTHER_CHANGED]);
    sameSpecs(await stage.snapshot(stage.watch()), [FULL, OTHER_CHANGED]);
  },

  "each of several watches is told all": async (stage) => {
    stage.run();
    const both = [stage.watch(), stage.watch()];
    for (const changes of both) await stage.snapshot(changes);
    await stage.setSource([OTHER]);
    for (const changes of both) await stage.untilUpdated(changes, OTHER);
  },

  "what has not changed is not told again": async (stage) => {
    await stage.setSource([FULL]);
    stage.run();
    const changes = stage.watch();
    await stage.snapshot(changes);
    await stage.setSource([FULL]);
    await stage.setSource([FULL, OTHER]);
    const change = await stage.next(changes);
    if (change.kind !== "updated" || change.affiliate.nodeId !== OTHER.nodeId) {
      fail(`the first change is ${describe(change)}, not the one that came`);
    }
  },

  "a slow reader is told the latest state, and of nothing that it need not know": async (stage) => {
    stage.run();
    const changes = stage.watch();
    await stage.snapshot(changes);
    await stage.setSource([OTHER, FULL]);
    await stage.untilKnown([OTHER, FULL]);
    await stage.setSource([OTHER_CHANGED]);
    await stage.untilKnown([OTHER_CHANGED]);
    const told = await stage.next(changes);
    if (told.kind === "deleted") fail("the leaving of a node is told whose coming was not");
    sameSpecs(told.kind === "updated" ? [told.affiliate] : [], [OTHER_CHANGED]);
  },

  "a watch ends without an error when its signal aborts, wherever it is": async (stage) => {
    const already = stage.watch(AbortSignal.abort());
    await stage.ends(already);
    const abort = new AbortController();
    const waiting = stage.watch(abort.signal);
    stage.run();
    await stage.snapshot(waiting);
    const end = stage.ends(waiting);
    abort.abort();
    await end;
  },

  "run ends with its signal; then it is stopped, and what was known stays known": async (stage) => {
    await stage.setSource([OTHER]);
    stage.run();
    await stage.untilKnown([OTHER]);
    await stage.untilPhase("connected");
    await stage.stop();
    if (stage.registry.status.phase !== "stopped") fail(`phase ${stage.registry.status.phase}`);
    sameSpecs([...stage.registry.affiliates.values()], [OTHER]);
  },

  "run with a signal that has aborted resolves": async (stage) => {
    await stage.within(stage.registry.run({ signal: AbortSignal.abort() }), "run resolves");
  },

  "it may run again, and finds what has changed": async (stage) => {
    await stage.setSource([FULL]);
    stage.run();
    await stage.untilKnown([FULL]);
    await stage.stop();
    await stage.setSource([OTHER]);
    stage.run();
    await stage.untilKnown([OTHER]);
  },

  "a watch tells of each status, the first also before the snapshot": async (stage) => {
    const changes = stage.watch();
    stage.run();
    await stage.untilStatus(changes, "connected");
    await stage.stop();
    await stage.untilStatus(changes, "stopped");
  },
};

const ONLY_READ: Cases = {
  "one that is only read has neither publish nor withdraw": async ({ registry }) => {
    if (registry.publish !== undefined) fail("publish is there");
    if (registry.withdraw !== undefined) fail("withdraw is there");
  },
};

function localCases(nodeId: string): Cases {
  const local: AffiliateSpec = { ...OTHER, nodeId, nodename: "local", hostname: "local" };
  return {
    "the local node is never among the others": async (stage) => {
      await stage.setSource([local, FULL]);
      stage.run();
      sameSpecs(await stage.snapshot(stage.watch()), [FULL]);
    },
  };
}

function publishingCases(nodeId: string): Cases {
  const local: LocalAffiliate = { affiliate: { ...FULL, nodeId } };
  const changed: LocalAffiliate = { affiliate: { ...local.affiliate, addresses: ["172.20.0.9"] } };
  return {
    "what is published before run is at the source when flush resolves": async (stage) => {
      stage.publish(local);
      stage.run();
      await stage.flush();
      sameSpecs(await stage.published(), [local.affiliate]);
    },
    "what is published later takes the place of what was": async (stage) => {
      stage.run();
      stage.publish(local);
      await stage.flush();
      stage.publish(changed);
      await stage.flush();
      const [published] = await stage.published();
      sameSpecs(
        [{ ...local.affiliate, addresses: published?.addresses ?? [] }],
        [changed.affiliate],
      );
    },
    "withdraw takes it back": async (stage) => {
      stage.run();
      stage.publish(local);
      await stage.flush();
      stage.withdraw();
      await stage.flush();
      sameSpecs(await stage.published(), []);
    },
    "flush rejects with the reason of its signal": async (stage) => {
      stage.publish(local);
      const reason = new Error("enough");
      const flushed = stage.registry.flush?.({ signal: AbortSignal.abort(reason) });
      const error = await stage.within(
        Promise.resolve(flushed).then(
          () => undefined,
          (got: unknown) => got,
        ),
        "flush rejects",
      );
      if (error !== reason) fail(`flush rejected with ${String(error)}`);
    },
    "the publisher is not among the others": async (stage) => {
      await stage.setSource([OTHER]);
      stage.publish(local);
      stage.run();
      await stage.flush();
      sameSpecs(await stage.snapshot(stage.watch()), [OTHER]);
    },
  };
}

const BREAKING: Cases = {
  "a source that fails is told by the status, and what was known stays known": async (stage) => {
    await stage.setSource([OTHER]);
    const changes = stage.watch();
    stage.run();
    await stage.untilKnown([OTHER]);
    await stage.breakSource();
    await stage.untilStatus(changes, "waiting");
    const { lastError } = stage.registry.status;
    if (!isDiscoveryError(lastError)) fail("status.lastError is no DiscoveryError");
    sameSpecs([...stage.registry.affiliates.values()], [OTHER]);
  },

  "a source that works again is followed, and only what is different is told": async (stage) => {
    await stage.setSource([FULL]);
    stage.run();
    const changes = stage.watch();
    await stage.snapshot(changes);
    await stage.breakSource();
    await stage.untilPhase("waiting");
    await stage.mendSource();
    await stage.setSource([FULL, OTHER]);
    const change = await stage.next(changes);
    sameSpecs(change.kind === "updated" ? [change.affiliate] : [], [OTHER]);
    await stage.untilPhase("connected");
    if (stage.registry.status.lastError !== undefined) fail("status.lastError is still there");
  },

  "a source that fails from the start ends neither run nor watch": async (stage) => {
    await stage.breakSource();
    const changes = stage.watch();
    stage.run();
    await stage.untilStatus(changes, "waiting");
    await stage.mendSource();
    await stage.setSource([OTHER]);
    await stage.untilKnown([OTHER]);
  },
};

function describe(change: RegistryChange): string {
  return change.kind === "updated" ? `updated ${change.affiliate.nodeId}` : change.kind;
}

/** As little as any source holds. */
function otherAt(addresses: readonly string[]): AffiliateSpec {
  return createAffiliateSpec({
    nodeId: "6EVq8RHIne03LeZiJ60WsJcoQOtttw1ejvTS6SOBzhUA",
    addresses,
    hostname: "worker-1",
    nodename: "worker-1",
    machineType: "worker",
    operatingSystem: "Talos (v1.15.0)",
  });
}
