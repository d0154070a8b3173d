/**
 * Where things are.
 * @module
 */
import { resolve } from "node:path";

/** The repository. */
export const ROOT = resolve(import.meta.dirname, "../..");
export const DEPLOY = resolve(ROOT, "deploy");
export const CHART = resolve(DEPLOY, "helm/talos-discovery");
export const TLS_FIXTURES = resolve(ROOT, "test/fixtures/tls");
/** The built command line. */
export const OUR_CLI = resolve(ROOT, "dist/cli/main.js");
