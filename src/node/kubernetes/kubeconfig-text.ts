/**
 * The text of a kubeconfig file: where in it something is wrong. What it says is read by
 * `@kubernetes/client-node`.
 * @module
 */
import { type Document, isNode } from "yaml";
import { YamlText } from "../../config/yaml-text.ts";
import { DiscoveryError } from "../../errors.ts";

/** A kubeconfig file that is YAML, or JSON. */
export interface KubeconfigText {
  readonly text: string;
  /** An error with the file and the line of a key; `[]` for the file as a whole. */
  invalid(why: string, key: readonly (string | number)[]): DiscoveryError;
  /** Where in a list a name stands; -1 where it does not. */
  indexOf(list: "clusters" | "users", name: string): number;
  /** What a user is made of, as it stands there. */
  entry(list: "users", name: string): Readonly<Record<string, unknown>> | undefined;
}

/**
 * Reads the text of a kubeconfig file as YAML.
 *
 * @param path - For errors, which have nothing of the text: it may be secret.
 * @throws {DiscoveryError} `ERR_KUBECONFIG_INVALID`.
 */
export function parseKubeconfig(text: string, path: string): KubeconfigText {
  const yaml = new YamlText(text);
  const at = (offset: number) => `${path}:${yaml.placeAt(offset).line}`;
  const { problem } = yaml;
  if (problem !== undefined) throw invalidAt(at(problem.offset), "is not YAML", problem.code);
  const document = yaml.documents[0] as Document;
  const root = plain(document);
  if (typeof root !== "object" || root === null || !("clusters" in root)) {
    throw invalidAt(path, text.trim() === "" ? "is empty" : "is no kubeconfig");
  }
  const listOf = (list: "clusters" | "users"): readonly Named[] => {
    const value = (root as Record<string, unknown>)[list];
    return Array.isArray(value) ? value : [];
  };
  const indexOf = (list: "clusters" | "users", name: string) =>
    listOf(list).findIndex((item) => item?.name === name);
  return {
    text,
    indexOf,
    entry: (list, name) => listOf(list)[indexOf(list, name)]?.user,
    invalid(why, key) {
      const node = key.length > 0 ? document.getIn(key, true) : undefined;
      const offset = isNode(node) ? node.range?.[0] : undefined;
      return invalidAt(offset === undefined ? path : at(offset), why);
    },
  };
}

/** `undefined` for aliases that would grow without bounds. */
function plain(document: Document): unknown {
  try {
    return document.toJS();
  } catch {
    return undefined;
  }
}

interface Named {
  readonly name?: string;
  readonly user?: Readonly<Record<string, unknown>>;
}

function invalidAt(place: string, why: string, code?: string): DiscoveryError {
  const reason = code === undefined ? "" : ` (${code.toLowerCase().replaceAll("_", " ")})`;
  return new DiscoveryError("ERR_KUBECONFIG_INVALID", `${place}: ${why}${reason}`);
}
