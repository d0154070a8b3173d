/**
 * WireGuard configuration for a machine in a cluster's KubeSpan mesh.
 * @module
 */
import {
  KUBESPAN_MTU,
  KUBESPAN_PORT,
  type KubeSpanIdentity,
  MIN_KUBESPAN_MTU,
  type PeerSpec,
  peersOf,
  wireguardConfig,
} from "../../kubespan/index.ts";
import { formatAddress } from "../../net/address.ts";
import { parseEndpoint } from "../../net/endpoint.ts";
import { parsePrefix } from "../../net/prefix.ts";
import { quote } from "../../net/quote.ts";
import { loadKubeSpanIdentity } from "../../node/index.ts";
import type { AffiliateSpec } from "../../resources/index.ts";
import { describePeerProblem, requireCluster } from "../cluster/kubespan.ts";
import { UsageError } from "../exit.ts";
import { choiceOf, integerFrom, parsePort } from "../flags/flag-values.ts";
import { flag, listFlag, numberFlag } from "../flags/flags.ts";
import { readDefaultGateways } from "./default-gateways.ts";
import type { ExportFormat, ExportInput, RenderedExport } from "./exporter.ts";
import { shownName } from "./member-text.ts";
import { limitNetworks, type MeshRules, parseAllowedNetwork } from "./mesh-networks.ts";

const FORMS = ["wg-quick", "syncconf"] as const;

const MAX_MTU = 65_535;

/** What the flags say. */
interface WireguardFlags {
  readonly form: (typeof FORMS)[number];
  readonly listenPort: number;
  readonly mtu: number;
  readonly rules: MeshRules;
}

/** Peers are the members' KubeSpan identities. Both keys are in the text. */
export const WIREGUARD: ExportFormat = {
  name: "wireguard",
  description: "WireGuard configuration of this machine, with the KubeSpan mesh as peers.",
  examples: [
    "--config cluster.yaml --kubespan-identity kubespan-identity.yaml --out /etc/wireguard/kubespan.conf",
    "--config cluster.yaml --kubespan-identity kubespan-identity.yaml --form syncconf --out kubespan.conf --watch",
    "--config cluster.yaml --kubespan-identity kubespan-identity.yaml --allowed-network 10.244.0.0/16,10.96.0.0/12",
  ],
  notes:
    "For WireGuard these choose a peer's endpoint. A peer's allowed IPs are its own addresses and those of the\n" +
    "KubeSpan subnet; of other networks that it advertises, such as pods, those that are within an\n" +
    "--allowed-network. A default route is taken only if --allowed-network is 0.0.0.0/0 or ::/0. The identity is\n" +
    "made by identity new --kubespan. To the others this machine is a peer while it is registered with its\n" +
    "public key, see join --kubespan. The form wg-quick brings the interface up, with routes in a table of their\n" +
    "own: from then on, all that this machine sends to an address of a peer goes through the mesh, or nowhere\n" +
    "while that peer is down. It takes a reverse path filter that is off or loose (net.ipv4.conf.all.rp_filter\n" +
    "is 0 or 2). The form syncconf is for wg syncconf and wg setconf. The text has this machine's private key in\n" +
    "it, and the cluster's secret as preshared key.\n",
  isPrivate: true,
  addFlags(command) {
    command
      .addOption(
        flag(
          "--kubespan-identity <file>",
          "this machine's identity in the mesh, as Talos keeps it",
        ),
      )
      .addOption(flag("--form <form>", FORMS.join(", "), FORMS[0]).ownedBy("export wireguard"))
      .addOption(
        numberFlag("--port <port>", "UDP port to listen on", KUBESPAN_PORT).ownedBy(
          "export wireguard",
        ),
      )
      .addOption(
        listFlag(
          "--allowed-network <cidr>",
          "networks within this one may be routed to the peers that advertise them, such as the pod network",
        ),
      )
      .addOption(numberFlag("--mtu <bytes>", "MTU of the interface", KUBESPAN_MTU));
  },
  async prepare(flags) {
    const allowed = flags.parsedList("allowed-network", parseAllowedNetwork);
    const own = {
      form: flags.requiredParsed("form", choiceOf(FORMS)),
      listenPort: flags.requiredParsed("port", parsePort),
      mtu: flags.requiredParsed("mtu", integerFrom(MIN_KUBESPAN_MTU, MAX_MTU)),
    };
    const path = flags.requiredText("kubespan-identity");
    const identity = await loadKubeSpanIdentity(path);
    const gateways = await readDefaultGateways();
    const rules: MeshRules = { subnet: parsePrefix(identity.subnet), allowed, gateways };
    return {
      render(input) {
        const { id } = input.cluster;
        if (id !== undefined) requireCluster(identity, id, path);
        return renderConfig(identity, input, { ...own, rules });
      },
    };
  },
};

function renderConfig(
  identity: KubeSpanIdentity,
  { cluster, state, selection }: ExportInput,
  own: WireguardFlags,
): RenderedExport {
  if (cluster.secret === undefined) {
    throw new UsageError("--cluster-secret-file is missing: it is the preshared key of every peer");
  }
  const affiliates = Array.from(state.affiliates.values(), ({ spec }) => spec);
  const isOwn = ({ kubespan }: AffiliateSpec) => kubespan?.publicKey === identity.publicKey;
  const local = affiliates.find(isOwn);
  const chosen = affiliates.filter(
    (affiliate) => affiliate === local || selection.includes(affiliate, affiliate.nodename),
  );
  const problems: string[] = [];
  const limited = chosen.map((affiliate) =>
    affiliate === local
      ? { affiliate, refused: [], remarkable: [] }
      : limitNetworks(affiliate, own.rules),
  );
  // What is refused first, as only so many notices are shown.
  for (const kind of ["refused", "remarkable"] as const) {
    for (const { affiliate, [kind]: lines } of limited) {
      const name = shownName(affiliate.nodename || affiliate.nodeId);
      problems.push(...lines.map((line) => `wireguard: ${name}: ${line}`));
    }
  }
  const usable = limited.map(({ affiliate }) => affiliate);
  const peers = peersOf(usable, local?.nodeId, {
    onProblem: (problem) =>
      problems.push(describePeerProblem(problem, nameOf(state, problem.nodeId))),
  });
  const passes = (endpoint: string): boolean =>
    selection.passes(formatAddress(parseEndpoint(endpoint).ip));
  const text = wireguardConfig(identity, peers, {
    ...own,
    clusterSecret: cluster.secret,
    chooseEndpoint: (_key, { endpoints }: PeerSpec) => endpoints.find(passes),
  });
  const unreachable = [...peers.values()].filter(({ endpoints }) => !endpoints.some(passes));
  problems.push(
    ...unreachable.map(
      ({ label, address }) =>
        `${quote(label || address)}: no endpoint, so it has to find this machine`,
    ),
  );
  const isFiltered = chosen.length < affiliates.length;
  if (peers.size === 0 && problems.length === 0 && affiliates.length > 0 && !isFiltered) {
    problems.push("no other node has a key of the mesh: is KubeSpan enabled there?");
  }
  return { text, problems, nodeCount: peers.size };
}

function nameOf({ affiliates }: ExportInput["state"], nodeId: string): string {
  return quote(affiliates.get(nodeId)?.spec.nodename || nodeId);
}
