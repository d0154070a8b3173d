/**
 * `npm run gen:manifests`: writes `deploy/kubernetes/talos-discovery.yaml`.
 * @module
 */
import { writeFile } from "node:fs/promises";
import { DEPLOY } from "../harness/paths.ts";
import { buildPrograms } from "./harness/go-programs.ts";
import { plainManifests } from "./harness/manifests.ts";

const { helm } = await buildPrograms();
await writeFile(`${DEPLOY}/kubernetes/talos-discovery.yaml`, await plainManifests(helm));
