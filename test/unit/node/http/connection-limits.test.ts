import { expect, test } from "vitest";
import {
  parseOpenFileLimit,
  resolveConnectionLimits,
} from "../../../../src/node/http/connection-limits.ts";

const LINUX = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            1024                 524288               files     
Max locked memory         8388608              8388608              bytes     
`;

function maxConnections(configured: number | undefined, openFiles: number | undefined): number {
  return resolveConnectionLimits({ maxConnections: configured }, 10_000, openFiles).maxConnections;
}

test("the soft limit of open files is read from Linux", () => {
  expect(parseOpenFileLimit(LINUX)).toBe(1024);
  expect(parseOpenFileLimit(LINUX.replace("1024  ", "unlimited"))).toBeUndefined();
  expect(parseOpenFileLimit("")).toBeUndefined();
});

test("connections leave files for the snapshot and certificates", () => {
  expect(maxConnections(undefined, 524_288)).toBe(20_000);
  expect(maxConnections(undefined, 10_000)).toBe(9400);
  expect(maxConnections(9000, 10_000)).toBe(9000);
  expect(maxConnections(undefined, 1024)).toBe(512);
  expect(maxConnections(undefined, 64)).toBe(32);
});

test("where no limit is known the configured number counts", () => {
  expect(maxConnections(undefined, undefined)).toBe(20_000);
  expect(maxConnections(50_000, undefined)).toBe(50_000);
});
