/**
 * Targets for Prometheus: the JSON of its HTTP service discovery, which is also that of its files.
 * @see https://prometheus.io/docs/prometheus/latest/http_sd/
 * @module
 */
import { hostPort } from "../../net/host-port.ts";
import { parsePort } from "../flags/flag-values.ts";
import { flag } from "../flags/flags.ts";
import type { ExportFormat } from "./exporter.ts";
import { exportedType, type SelectedMember } from "./member-selection.ts";
import { memberText } from "./member-text.ts";

/** Where the node exporter listens. */
const DEFAULT_PORT = "9100";

/**
 * One group for each member: `address:port`, with what is known of the node as labels for
 * relabelling.
 */
export const PROMETHEUS: ExportFormat = {
  name: "prometheus",
  description: "Targets for Prometheus' HTTP or file service discovery.",
  examples: [
    "--config cluster.yaml --out /etc/prometheus/targets/talos.json --watch",
    "--config cluster.yaml --port 10250 --type worker",
    "--config cluster.yaml --serve 9101",
  ],
  notes:
    "Each target has these labels, which last until Prometheus has relabelled:\n" +
    "  __meta_talos_node_name, __meta_talos_node_id, __meta_talos_hostname,\n" +
    "  __meta_talos_machine_type (controlplane, worker, unknown), __meta_talos_operating_system,\n" +
    "  __meta_talos_address, __meta_talos_addresses (with commas between and around),\n" +
    "  __meta_talos_control_plane_port and __meta_talos_cluster_name, where there is one.\n",
  servedAs: "application/json",
  addFlags(command) {
    command.addOption(
      flag("--port <port>", "port of the targets", DEFAULT_PORT).ownedBy("export prometheus"),
    );
  },
  prepare(flags) {
    const port = flags.requiredParsed("port", parsePort);
    return {
      render: ({ members, cluster }) => ({
        text: `${JSON.stringify(
          members.map((member) => targetGroup(member, port, cluster.name)),
          null,
          2,
        )}\n`,
        problems: [],
      }),
    };
  },
};

function targetGroup(
  { name, spec, address, addresses }: SelectedMember,
  port: number,
  clusterName: string | undefined,
): object {
  const labels = {
    __meta_talos_node_name: name,
    __meta_talos_node_id: spec.nodeId,
    __meta_talos_hostname: spec.hostname,
    __meta_talos_machine_type: exportedType(spec.machineType),
    __meta_talos_operating_system: spec.operatingSystem,
    __meta_talos_address: address,
    // Commas around as well, so that a pattern such as .*,10.0.0.1,.* finds each: Prometheus' own
    // habit for lists.
    __meta_talos_addresses: `,${addresses.join(",")},`,
    ...(spec.controlPlane !== undefined && {
      __meta_talos_control_plane_port: String(spec.controlPlane.port),
    }),
    ...(clusterName !== undefined && { __meta_talos_cluster_name: clusterName }),
  };
  return {
    targets: [hostPort(address, port)],
    // What every label goes through. Prometheus takes any UTF-8 for a value.
    labels: Object.fromEntries(
      Object.entries(labels).map(([label, value]) => [label, memberText(value)]),
    ),
  };
}
