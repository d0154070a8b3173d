/** The image and its Compose file, as far as they can be checked without building an image. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, onTestFinished, test } from "vitest";
import { DEPLOY, ROOT } from "../harness/paths.ts";

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

test("the image builds from what .dockerignore lets through, and has all that it needs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "talos-discovery-image-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const context = join(folder, "src");
  const kept = (await readFile(`${ROOT}/.dockerignore`, "utf8")).match(/(?<=^!).+$/gm) ?? [];
  expect(kept).toEqual(expect.arrayContaining(["package-lock.json", "LICENSE", "src"]));
  for (const path of kept.flatMap((pattern) => globSync(pattern, { cwd: ROOT }))) {
    await cp(join(ROOT, path), join(context, path), { recursive: true });
  }
  await symlink(join(ROOT, "node_modules"), join(context, "node_modules"));
  await run("npm", ["run", "build"], { cwd: context });

  const root = join(folder, "image");
  const copies = image.filter((line) => line.startsWith("COPY --from=build "));
  for (const line of copies) {
    const [target = "", ...sources] = line.split(" ").slice(2).reverse();
    for (const source of sources) {
      const to = target.endsWith("/") ? join(target, basename(source)) : target;
      await cp(join(folder, source), join(root, to), { recursive: true });
    }
  }
  const [, main = ""] = JSON.parse(instruction("ENTRYPOINT"));
  const command = [join(root, main), "serve", "--print-config"];
  const { stdout } = await run(process.execPath, command, { cwd: "/", env: {} });
  expect(stdout).toContain(`snapshot-path: ${instruction("VOLUME")}/`);
}, 180_000);

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
    mem_limit: String(512 * 2 ** 20),
    volumes: [{ type: "volume", source: "state", target: instruction("VOLUME") }],
  });
  expect(Object.keys(volumes)).toEqual(["state"]);
});
