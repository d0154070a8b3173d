/**
 * Starts the service and the good node of a row. Both end with the test.
 * @module
 */
import { onTestFinished } from "vitest";
import { type AttackedOptions, AttackedService } from "./attacked-service.ts";
import { fillCluster } from "./fill.ts";
import { GoodNode } from "./good-node.ts";

export interface AbuseStage {
  readonly service: AttackedService;
  readonly good: GoodNode;
}

export async function openStage(options?: AttackedOptions): Promise<AbuseStage> {
  const started = new AsyncDisposableStack();
  onTestFinished(() => started.disposeAsync());
  const service = started.use(await AttackedService.start(options));
  const good = new GoodNode(service);
  started.use(good.process);
  await good.isServed();
  return { service, good };
}

/** The same, with a full cluster. */
export async function openFullStage(
  options?: AttackedOptions,
): Promise<AbuseStage & { readonly fullCluster: string }> {
  const stage = await openStage(options);
  const fullCluster = "full";
  await fillCluster(stage.service, fullCluster);
  return { ...stage, fullCluster };
}
