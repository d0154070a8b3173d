/**
 * The version of the package.
 * @module
 */
import manifest from "../../package.json" with { type: "json" };

/** As in package.json: `0.1.0`. */
export const VERSION: string = manifest.version;

/** What a client tells services about itself; they count versions. */
export const CLIENT_VERSION: string = `v${VERSION}`;
