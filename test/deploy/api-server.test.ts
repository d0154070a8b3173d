/** The objects of the chart and the manifests, before the real API server. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import {
  EVERYTHING,
  type KubeObject,
  objectOf,
  objectsOf,
  template,
} from "../harness/kubernetes/chart.ts";
import { KubeApi } from "../harness/kubernetes/kube-api.ts";
import { DEPLOY } from "../harness/paths.ts";

const NAMESPACE = "talos-discovery";
/** What the Prometheus operator brings, as far as a ServiceMonitor of ours goes. */
const SERVICE_MONITORS: KubeObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "servicemonitors.monitoring.coreos.com" },
  spec: {
    group: "monitoring.coreos.com",
    scope: "Namespaced",
    names: { kind: "ServiceMonitor", plural: "servicemonitors", singular: "servicemonitor" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            required: ["spec"],
            properties: {
              spec: {
                type: "object",
                required: ["selector", "endpoints"],
                properties: {
                  selector: {
                    type: "object",
                    properties: {
                      matchLabels: { type: "object", additionalProperties: { type: "string" } },
                    },
                  },
                  endpoints: {
                    type: "array",
                    items: {
                      type: "object",
                      properties: {
                        port: { type: "string" },
                        path: { type: "string" },
                        interval: { type: "string" },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

let api: KubeApi;

beforeAll(async () => {
  api = await KubeApi.start(inject("programs").kubeApiServer);
  const [namespace] = objectsOf(
    await readFile(`${DEPLOY}/kubernetes/talos-discovery.yaml`, "utf8"),
  );
  if (namespace?.kind !== "Namespace") throw new Error("the first manifest is the namespace");
  await api.create(namespace);
  await api.create(SERVICE_MONITORS);
  const path = "/apis/monitoring.coreos.com/v1/namespaces/talos-discovery/servicemonitors";
  await api.until("the definition is served", async () => {
    return (await api.call("GET", path)).status === 200;
  });
});

afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
});

async function expectAccepted(objects: readonly KubeObject[], count = 6): Promise<void> {
  expect(objects.length).toBeGreaterThanOrEqual(count);
  for (const object of objects) {
    const { status, body, warnings } = await api.tryApply(object);
    expect({ kind: object.kind, status, message: body.message, warnings }).toStrictEqual({
      kind: object.kind,
      status: object.kind === "Namespace" ? 200 : 201,
      message: undefined,
      warnings: [],
    });
  }
}

function inNamespace(objects: readonly KubeObject[]): KubeObject[] {
  return objects.map((object) => ({
    ...object,
    metadata: { ...object.metadata, namespace: NAMESPACE },
  }));
}

describe("a server-side dry run accepts", () => {
  test.each([
    ["the chart with its defaults", []],
    ["the chart with everything switched on", EVERYTHING],
    ["the chart with little", ["persistence.enabled=false", "networkPolicy.enabled=false"]],
    ["the chart at a node port", ["service.type=NodePort", "service.nodePort=30300"]],
  ])("%s", async (_name, values) => {
    await expectAccepted(inNamespace(objectsOf(await template(inject("programs").helm, values))));
  });

  test("the plain manifests", async () => {
    const manifests = await readFile(`${DEPLOY}/kubernetes/talos-discovery.yaml`, "utf8");
    await expectAccepted(objectsOf(manifests));
  });

  test.each(["node-annotations.yaml", "node-annotations-read-only.yaml"])(
    "the account of %s",
    async (file) => {
      const manifests = await readFile(`${DEPLOY}/kubernetes/${file}`, "utf8");
      await expectAccepted(objectsOf(manifests), 4);
    },
  );

  test("the pod itself, in a namespace that takes restricted pods alone", async () => {
    const objects = objectsOf(await template(inject("programs").helm, EVERYTHING));
    const { metadata, spec } = objectOf(objects, "Deployment").spec.template;
    const pod = (changes: object): KubeObject => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...metadata, name: "talos-discovery-0", namespace: NAMESPACE },
      spec: { ...spec, ...changes },
    });
    expect(await api.tryApply(pod({}))).toMatchObject({ status: 201, warnings: [] });
    expect(await api.tryApply(pod({ hostNetwork: true }))).toMatchObject({ status: 403 });
  });
});

test("a dry run stores nothing, and refuses a field that does not exist", async () => {
  const objects = inNamespace(objectsOf(await template(inject("programs").helm)));
  const service = objectOf(
    objects.filter(({ metadata }) => !metadata.name.endsWith("-monitoring")),
    "Service",
  );
  const refused = await api.tryApply({ ...service, spec: { ...service.spec, prots: [] } });
  expect(refused.body).toMatchObject({
    status: "Failure",
    message: expect.stringContaining(".spec.prots: field not declared in schema"),
  });
  const { body } = await api.call("GET", `/api/v1/namespaces/${NAMESPACE}/services`);
  expect(body.items).toEqual([]);
});
