/**
 * The formats that `export` knows.
 * @module
 */
import { ANSIBLE } from "./ansible.ts";
import { CSV } from "./csv.ts";
import type { ExportFormat } from "./format.ts";
import { HOSTS } from "./hosts.ts";
import { PROMETHEUS } from "./prometheus.ts";
import { TALOSCONFIG } from "./talosconfig.ts";
import { WIREGUARD } from "./wireguard.ts";

/** In the order of the help. */
export const EXPORT_FORMATS: readonly ExportFormat[] = [
  PROMETHEUS,
  HOSTS,
  ANSIBLE,
  WIREGUARD,
  TALOSCONFIG,
  CSV,
];
