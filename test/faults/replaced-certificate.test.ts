/**
 * Certificates that are replaced while clients come and go, in the way of Kubernetes: a link to a folder is exchanged.
 * @module
 */
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { Http2SessionManager } from "@connectrpc/connect-node";
import { expect, inject, onTestFinished, test } from "vitest";
import type { Service } from "../harness/processes/services.ts";
import { FaultStage, watchForLosses } from "./harness/fault-stage.ts";
import { clientOf } from "./harness/load.ts";
import { temporaryFolder } from "./harness/temporary-folder.ts";

const SWAPS = 15;
const SWAP_MS = 100;
/** Of the Go clients, in one go. */
const DIALS = 20;

test("certificates replaced ten times a second fail no handshake, and each that stays is served", async () => {
  const folder = await temporaryFolder();
  const [pairs, caFile] = await makePairs(folder, ["first", "second", "third"]);
  const mount = join(folder, "mount");
  await mkdir(mount);
  await symlink("..data/server.pem", join(mount, "tls.crt"));
  await symlink("..data/server-key.pem", join(mount, "tls.key"));
  const swap = async (pair: string): Promise<void> => {
    await symlink(pair, join(mount, "..new"));
    await rename(join(mount, "..new"), join(mount, "..data"));
  };
  const [first = "", second = "", third = ""] = pairs;
  await swap(first);
  const stage = new FaultStage();
  const service = await stage.service({
    tls: { certificatePath: join(mount, "tls.crt"), keyPath: join(mount, "tls.key") },
  });
  const ca = await readFile(caFile, "utf8");
  const fleet = await stage.fleet(service, { go: 2, ts: 1 }, undefined, { caFile });
  const { losses } = watchForLosses(fleet);
  const probe = stage.probe(service, { caFile });
  const failures: string[] = [];
  let connections = 0;
  const end = new AbortController();
  onTestFinished(() => end.abort());
  const goClients = async (): Promise<void> => {
    while (!end.signal.aborted) {
      const answer = await probe.call({ do: "redial", clusterId: "c", count: DIALS });
      connections += answer.dials ?? 0;
      if (answer.code !== "OK") failures.push(`go: ${answer.code} ${answer.message}`);
    }
  };
  const ourClients = async (): Promise<void> => {
    while (!end.signal.aborted) {
      const sessionManager = new Http2SessionManager(service.url, {}, { ca });
      const headers = { "x-real-ip": `10.4.0.${connections % 250}` };
      try {
        await clientOf(service, { ca, sessionManager }).hello({ clusterId: "c" }, { headers });
        connections += 1;
      } catch (error) {
        failures.push(`ours: ${error}`);
      }
      sessionManager.abort();
    }
  };
  const clients = [goClients(), ourClients(), ourClients()].map((client) =>
    client.catch((error) => failures.push(String(error))),
  );
  for (const stays of [second, first, third]) {
    for (let i = 0; i < SWAPS; i++) {
      await swap(i % 2 === 0 ? first : second);
      await sleep(SWAP_MS);
    }
    await swap(stays);
    const wanted = new X509Certificate(await readFile(join(stays, "server.pem"))).fingerprint256;
    const served = () =>
      servedFingerprint(service, ca).catch((error) => failures.push(`look: ${error}`));
    await expect.poll(served).toBe(wanted);
  }
  const seen = connections;
  await expect.poll(() => connections).toBeGreaterThan(seen + DIALS);
  end.abort();
  await Promise.all(clients);
  expect(failures).toEqual([]);
  expect(losses()).toEqual([]);
  await stage.check(service, { peakMb: 250, probe: { caFile } }, fleet);
});

/** Certificates for loopback in folders of their own, and a file with the authorities of all. */
async function makePairs(folder: string, names: readonly string[]): Promise<[string[], string]> {
  const pairs: string[] = [];
  let authorities = "";
  for (const name of names) {
    const pair = join(folder, name);
    await mkdir(pair);
    await promisify(execFile)(inject("binaries").interop, ["certificates", pair]);
    authorities += await readFile(join(pair, "ca.pem"), "utf8");
    pairs.push(pair);
  }
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, authorities);
  return [pairs, caFile];
}

async function servedFingerprint(service: Service, ca: string): Promise<string> {
  const socket = connect({ port: service.port, host: "127.0.0.1", ca, ALPNProtocols: ["h2"] });
  await once(socket, "secureConnect");
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}
