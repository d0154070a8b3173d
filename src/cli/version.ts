/**
 * The version of the package.
 * @module
 */
import manifest from "../../package.json" with { type: "json" };

/** As in package.json: `0.1.0`. */
export const VERSION: string = manifest.version;

/** What a client tells services about itself; they count versions. */
export const CLIENT_VERSION: string = `v${VERSION}`;

/**
 * What to say where something failed and Node is older than package.json asks for.
 *
 * @param version - `process.versions.node`.
 */
export function outdatedNode(version: string): string | undefined {
  const [major = 0, minor = 0] = numbersOf(version);
  const [minMajor = 0, minMinor = 0] = numbersOf(manifest.engines.node);
  if (major > minMajor || (major === minMajor && minor >= minMinor)) return undefined;
  return `this is Node ${version}, and talos-discovery needs ${minMajor}.${minMinor} or later`;
}

function numbersOf(version: string): number[] {
  return (version.match(/\d+/g) ?? []).map(Number);
}
