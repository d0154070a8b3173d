/**
 * A context of talosctl's configuration: where the control plane is, and the nodes. Keys are
 * nobody's to discover.
 * @module
 */
import { isMap, parse, parseDocument } from "yaml";
import { hostPort } from "../../net/host-port.ts";
import { CommandFailure } from "../exit.ts";
import { parsePort } from "../flags/flag-values.ts";
import { flag } from "../flags/flags.ts";
import { formatYaml } from "../output/documents.ts";
import type { ExportFormat, ExportInput } from "./exporter.ts";
import { exportedType, type SelectedMember, selectMembers } from "./member-selection.ts";

const DEFAULT_CONTEXT = "talos-discovery";

interface Talosconfig {
  readonly context: string;
  readonly contexts: Readonly<
    Record<string, { readonly endpoints: readonly string[]; readonly nodes?: readonly string[] }>
  >;
}

/** Endpoints are the control plane nodes, nodes are all members. */
export const TALOSCONFIG: ExportFormat = {
  name: "talosconfig",
  description: "A context for talosctl: endpoints and nodes, without keys.",
  examples: [
    "--config cluster.yaml --context prod --endpoints-only",
    "--config cluster.yaml --context prod --out ~/.talos/config",
  ],
  notes:
    "Endpoints are the control plane nodes, whatever --type says; nodes are the members that it chooses.\n" +
    "talosctl asks all nodes of a context where no -n is given, also to reboot: --endpoints-only lists none.\n" +
    "With --out, a file that is there keeps its keys, its other contexts and the current one: only endpoints\n" +
    "and nodes of this context are replaced.\n",
  isPrivate: true,
  addFlags(command) {
    command
      .addOption(
        flag(
          "--context <name>",
          `the context (default: the cluster's name, or ${DEFAULT_CONTEXT})`,
        ),
      )
      .addOption(
        flag("--port <port>", "port of the endpoints (default: talosctl's own)").ownedBy(
          "export talosconfig",
        ),
      )
      .addOption(flag("--endpoints-only", "no nodes; those that are in the file stay"));
  },
  prepare(flags) {
    const context = flags.text("context");
    const port = flags.parsed("port", parsePort);
    const withNodes = !flags.isOn("endpoints-only");
    return {
      render(input) {
        const endpoints = addressesOf(controlPlane(input)).map((address) =>
          withPort(address, port),
        );
        const name = context ?? (input.cluster.name || DEFAULT_CONTEXT);
        const config: Talosconfig = {
          context: name,
          contexts: {
            [name]: {
              endpoints,
              ...(withNodes && { nodes: addressesOf(input.members) }),
            },
          },
        };
        return {
          text: formatYaml(config),
          problems:
            endpoints.length > 0 || input.members.length === 0
              ? []
              : [
                  "talosconfig: no endpoints, because none of these members is a control plane node",
                ],
        };
      },
      merge,
    };
  },
};

function controlPlane({ state, selection }: ExportInput): SelectedMember[] {
  return selectMembers(state, selection.ofAnyType()).members.filter(
    ({ spec }) => exportedType(spec.machineType) === "controlplane",
  );
}

/** Each once: talosctl would ask a machine as often as it is listed. */
function addressesOf(members: readonly SelectedMember[]): string[] {
  return [...new Set(members.map(({ address }) => address))];
}

function withPort(address: string, port: number | undefined): string {
  return port === undefined ? address : hostPort(address, port);
}

/** By nodes of the document, so that comments and everything that is not ours stay. */
function merge(existing: string, exported: string): string {
  if (existing.trim() === "") return exported;
  const file = parseDocument(existing);
  // No detail of the parser: it shows the line, and that may be a key.
  if (file.errors.length > 0 || !isMap(file.contents)) {
    throw new CommandFailure("is no configuration of talosctl, and is left as it is");
  }
  const { context, contexts } = parse(exported) as Talosconfig;
  for (const parent of [["contexts"], ["contexts", context]]) {
    if (!isMap(file.getIn(parent))) file.setIn(parent, file.createNode({}));
  }
  for (const [key, list] of Object.entries(contexts[context] ?? {})) {
    file.setIn(["contexts", context, key], file.createNode(list));
  }
  if (!file.get("context")) file.set("context", context);
  return file.toString({ indent: 4, lineWidth: 0 });
}
