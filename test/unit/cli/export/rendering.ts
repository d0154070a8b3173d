/**
 * Formats of `export` without a network: flags and nodes in, text out.
 * @module
 */
import { Command } from "commander";
import { addDestinationFlags } from "../../../../src/cli/export/destination.ts";
import type {
  ExportedCluster,
  ExportFormat,
  ExportRenderer,
  RenderedExport,
} from "../../../../src/cli/export/exporter.ts";
import {
  addMemberSelectionFlags,
  type ExportedState,
  readMemberSelection,
  selectMembers,
} from "../../../../src/cli/export/member-selection.ts";
import { Flags } from "../../../../src/cli/flags/flags.ts";
import {
  AFFILIATES,
  type AffiliateSource,
  createAffiliateSpec,
  MEMBERS,
  membersOf,
  type Resource,
  ResourceView,
} from "../../../../src/resources/index.ts";

/** Two control plane nodes and a worker, in no order, with addresses of both families. */
export const NODES: readonly AffiliateSource[] = [
  {
    nodeId: "wrk",
    nodename: "worker-1",
    hostname: "worker-1.example.com",
    machineType: "worker",
    operatingSystem: "Talos (v1.15.0)",
    addresses: ["10.0.0.3", "fd00::3"],
  },
  {
    nodeId: "cp2",
    nodename: "cp-2",
    hostname: "cp-2",
    machineType: "init",
    operatingSystem: "Talos (v1.15.0)",
    addresses: ["fd00::2", "10.0.0.2", "192.168.7.2"],
    controlPlane: { port: 6443 },
  },
  {
    nodeId: "cp1",
    nodename: "cp-1",
    hostname: "cp-1",
    machineType: "controlplane",
    operatingSystem: "Talos (v1.15.0)",
    addresses: ["10.0.0.1", "fd00::1"],
    controlPlane: { port: 6443 },
  },
];

export function stateOf(sources: readonly AffiliateSource[]): ExportedState {
  const specs = new Map(sources.map((source) => [source.nodeId, createAffiliateSpec(source)]));
  const affiliates = new ResourceView(AFFILIATES);
  affiliates.replace(specs);
  const members = new ResourceView(MEMBERS);
  members.replace(membersOf(specs.values()));
  return { affiliates: byId(affiliates.list()), members: byId(members.list()) };
}

function byId<Spec>(resources: readonly Resource<Spec>[]): Map<string, Resource<Spec>> {
  return new Map(resources.map((resource) => [resource.metadata.id, resource]));
}

export interface RenderOptions {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cluster?: Partial<ExportedCluster>;
}

/** Renders as `export NAME` does with these arguments. */
export async function render(
  format: ExportFormat,
  sources: readonly AffiliateSource[] = NODES,
  { argv = [], env = {}, cluster = {} }: RenderOptions = {},
): Promise<RenderedExport & { readonly merge: ExportRenderer["merge"] }> {
  const command = new Command(format.name).exitOverride();
  format.addFlags?.(command);
  addMemberSelectionFlags(command);
  addDestinationFlags(command, format);
  command.parse(argv, { from: "user" });
  const flags = new Flags(command, env);
  const selection = readMemberSelection(flags);
  const renderer = await format.prepare(flags);
  const state = stateOf(sources);
  const { members } = selectMembers(state, selection);
  const rendered = renderer.render({
    cluster: { id: undefined, secret: undefined, name: undefined, ...cluster },
    members,
    selection,
    state,
  });
  return { ...rendered, merge: renderer.merge };
}
