/** The image and its Compose file, as far as they can be checked without building an image. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { expect, inject, onTestFinished, test } from "vitest";
import { DEPLOY, ROOT } from "./harness/paths.ts";

const run = promisify(execFile);
const dockerfile = await readFile(`${DEPLOY}/Dockerfile`, "utf8");
/** Instructions of the last stage. */
const image = dockerfile.slice(dockerfile.lastIndexOf("\nFROM ")).trim().split("\n");

function instruction(name: string): string {
  const line = image.find((candidate) => candidate.startsWith(`${name} `));
  if (line === undefined) throw new Error(`the image has no ${name}`);
  return line.slice(name.length + 1);
}

test("the image runs as nobody in particular, without a shell between", () => {
  expect(instruction("USER")).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  expect(JSON.parse(instruction("ENTRYPOINT"))).toEqual(["node", "/app/dist/cli/main.js"]);
  expect(JSON.parse(instruction("CMD"))).toEqual(["serve"]);
  expect(instruction("EXPOSE")).toBe("3000 3001 2122");
});

test("what the build copies is in the context, and everything that the build reads", async () => {
  const kept = (await readFile(`${ROOT}/.dockerignore`, "utf8"))
    .split("\n")
    .filter((line) => line.startsWith("!"))
    .map((line) => line.slice(1));
  for (const path of kept) {
    if (!path.includes("*")) expect(existsSync(`${ROOT}/${path}`), path).toBe(true);
  }
  const { files } = JSON.parse(await readFile(`${ROOT}/package.json`, "utf8")) as {
    files: string[];
  };
  for (const path of files) if (path !== "dist") expect(kept).toContain(path);
});

test("the health check tells health by its exit code", async () => {
  const [, json = ""] = /CMD (\[.*\])$/.exec(instruction("HEALTHCHECK")) ?? [];
  const [program, flag, script = ""] = JSON.parse(json) as string[];
  expect([program, flag]).toEqual(["node", "--eval"]);
  let status = 200;
  const server = createServer((request, response) => {
    response.writeHead(request.url === "/healthz" ? status : 404).end();
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const port = (server.address() as AddressInfo).port;
  const check = async (): Promise<unknown> => {
    const child = spawn(process.execPath, ["--eval", script.replace(":3001/", `:${port}/`)]);
    return (await once(child, "exit"))[0];
  };
  expect(await check()).toBe(0);
  status = 503;
  expect(await check()).toBe(1);
  await new Promise((resolve) => server.close(resolve));
  expect(await check()).toBe(1);
});

test("the Compose file is one, builds this image, and has what the chart has: no rights", async () => {
  const { stdout } = await run(inject("programs").compose, [`${DEPLOY}/compose/compose.yaml`]);
  const { services, volumes } = JSON.parse(stdout);
  const service = services["talos-discovery"];
  expect(service.build).toEqual({ context: ROOT, dockerfile: "deploy/Dockerfile" });
  expect(service).toMatchObject({
    read_only: true,
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
    volumes: [{ type: "volume", source: "state", target: instruction("VOLUME") }],
  });
  expect(Object.keys(volumes)).toEqual(["state"]);
});
